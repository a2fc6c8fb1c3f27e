"""The one thread that writes the embedded store's file, a batch to a transaction. Knows jobs, not what they do."""

import asyncio
import sqlite3
import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Any, Final, Generic, TypeVar

from msgspec import Struct

from proxy.store.disk_file import DiskFile

T = TypeVar("T")

GATHER: Final = 0.02
"""Seconds that a write which nobody waits for may wait for others to share its transaction."""

_BATCH_JOBS: Final = 256
_MOST_QUEUED: Final = 64 * 1024 * 1024
_STOP_WAIT: Final = 10.0
_BUSY_PAUSE: Final = 0.001
_MOST_PAUSES: Final = 4000
"""So long a writer waits for another process's. SQLite's own waiting sleeps up to a tenth of a second at a time."""


class QueueFullError(OSError):
    """More waits to be written than there is room for: the disk is slower than what comes in."""


class _Job(Struct, Generic[T]):
    work: Callable[[DiskFile], T]
    done: "asyncio.Future[T]"
    size: int
    is_hasty: bool
    is_lasting: bool


class DiskWriter:
    """Runs jobs in the order they were handed in. Made and used on the event loop's thread."""

    def __init__(self, db: sqlite3.Connection, file: DiskFile) -> None:
        """Starts the thread. ``db`` is its own from now on, and closed at its end."""
        self._db = db
        self._db.execute("PRAGMA busy_timeout = 0").fetchall()
        self._file = file
        self._loop = asyncio.get_running_loop()
        self._jobs: deque[_Job[Any]] = deque()
        self._queued = 0
        self._hasty = 0
        self._is_closing = False
        self._changed = threading.Condition()
        self._ended = self._loop.create_future()
        self._thread = threading.Thread(target=self._run, name="tambo-disk", daemon=True)
        self._thread.start()

    def submit(
        self, work: Callable[[DiskFile], T], *, size: int = 0, is_hasty: bool = True, is_lasting: bool = False
    ) -> "asyncio.Future[T]":
        """Have ``work`` done inside a transaction; the future is done when that has been committed, or failed.

        ``is_hasty``: begin at once. ``is_lasting``: a power cut must not undo it. Raises QueueFullError.
        """
        if self._is_closing or self._queued + size > _MOST_QUEUED:
            raise QueueFullError("closing" if self._is_closing else "too much waits to be written")
        job = _Job(work, self._loop.create_future(), size, is_hasty, is_lasting)
        with self._changed:
            self._jobs.append(job)
            self._queued += size
            self._hasty += is_hasty
            self._changed.notify()
        return job.done

    async def close(self) -> None:
        """Write what is queued and end the thread; at most ten seconds. Idempotent."""
        with self._changed:
            self._is_closing = True
            self._changed.notify()
        await asyncio.wait([self._ended], timeout=_STOP_WAIT)

    # The thread ------------------------------------------------------------------------------------------------

    def _run(self) -> None:
        try:
            while batch := self._next_batch():
                self._write(batch)
        finally:
            self._db.close()
            self._tell(_settle, [self._ended], [None])

    def _next_batch(self) -> list[_Job[Any]]:
        """The next jobs for one transaction; none when it is time to end."""
        with self._changed:
            self._changed.wait_for(lambda: self._jobs or self._is_closing)
            self._changed.wait_for(
                lambda: self._hasty or self._is_closing or len(self._jobs) >= _BATCH_JOBS, timeout=GATHER
            )
            batch: list[_Job[Any]] = []
            size = 0
            while self._jobs and len(batch) < _BATCH_JOBS and size <= self._file.batch_bytes:
                job = self._jobs.popleft()
                batch.append(job)
                size += job.size
            self._queued -= size
            self._hasty -= sum(job.is_hasty for job in batch)
        return batch

    def _write(self, batch: list[_Job[Any]]) -> None:
        futures = [job.done for job in batch]
        try:
            results = self._transact(batch)
        except Exception as error:  # noqa: BLE001 - the thread outlives whatever a job does; who waits for it is told
            self._tell(_fail, futures, error)
        else:
            self._tell(_settle, futures, results)

    def _transact(self, batch: list[_Job[Any]]) -> list[Any]:
        mode = "FULL" if any(job.is_lasting for job in batch) else "NORMAL"
        self._db.execute(f"PRAGMA synchronous = {mode}")
        before = self._file.standing
        self._begin()
        try:
            results = [job.work(self._file) for job in batch]
            self._db.execute("COMMIT")
        except BaseException:
            self._file.standing = before
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")
            raise
        return results

    def _begin(self) -> None:
        """Begin to write, once nobody else does."""
        for pauses in range(_MOST_PAUSES + 1):
            try:
                self._db.execute("BEGIN IMMEDIATE")
            except sqlite3.OperationalError as error:
                if (error.sqlite_errorcode & 0xFF) != sqlite3.SQLITE_BUSY or pauses == _MOST_PAUSES:
                    raise
                time.sleep(_BUSY_PAUSE)
            else:
                return

    def _tell(self, what: Callable[..., None], *values: object) -> None:
        try:
            self._loop.call_soon_threadsafe(what, *values)
        except RuntimeError:
            return  # the loop is gone: nobody waits any more


def _settle(futures: "list[asyncio.Future[Any]]", results: list[object]) -> None:
    for done, result in zip(futures, results, strict=True):
        if not done.done():
            done.set_result(result)


def _fail(futures: "list[asyncio.Future[Any]]", error: Exception) -> None:
    for done in futures:
        if not done.done():
            done.set_exception(error)
            done.exception()  # seen: a write that nobody waits for is told of in another way
