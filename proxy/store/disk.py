"""The embedded store: one SQLite file in a folder that one process holds, or a supervisor for its workers. No judge.

Look-ups read on the event loop's thread: some 10 µs each, more where the disk itself must be read. Everything that
writes goes to one thread in batches (disk_writer); a look-up for a key with a write under way waits for that write.
A file that cannot be read is set aside and a new one begins; a folder that cannot be used is tried again with each
sweep. Either way the operations between raise StoreUnavailable.

Where other processes use the file too, a write is waited for, so that they find it when they are told; whoever finds
another file in its place goes over to that.
"""

import asyncio
import logging
import sqlite3
import sys
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any, Final, NoReturn, TypeVar

from proxy.clock import Clock
from proxy.errors import ConfigError, StoreUnavailable, SupersededError
from proxy.exchange.entry_ids import variant_digest
from proxy.exchange.inventory import Page
from proxy.exchange.purges import Purge
from proxy.policy.cache_key import CacheKey
from proxy.policy.messages import StoredResponse
from proxy.store import disk_file, disk_pages
from proxy.store.backing import Found, LoggedPurge, Swept
from proxy.store.codec import BadEntry, encode
from proxy.store.company import Company, Nobody
from proxy.store.disk_aim import as_bytes
from proxy.store.disk_file import DiskFile, Row
from proxy.store.disk_folder import FILE_NAME, DataFolder
from proxy.store.disk_handle import DiskHandle
from proxy.store.disk_health import DiskHealth
from proxy.store.disk_rows import read_rows
from proxy.store.stats import TierStats

LOG: Final = logging.getLogger("tambo.store")

_LONGEST_WAIT: Final = 5.0
"""Seconds that an operation waits for the writing thread."""

T = TypeVar("T")


class DiskStore:
    """Satisfies proxy.store.backing.Backing and Sweeps."""

    tier = "disk"

    def __init__(
        self,
        folder: Path,
        clock: Clock,
        *,
        capacity: int = 1024**3,
        max_variants: int = 64,
        file_name: str = FILE_NAME,
        company: Company | None = None,
    ) -> None:
        """``capacity``: bytes that the file and its log may take on the disk. ``company``: others use the file too, and
        their supervisor holds the folder for all. Nothing is opened yet."""
        self.stats = TierStats(self.tier)
        self._folder = DataFolder(folder, file_name, is_held=company is not None)
        self._clock = clock
        self._health = DiskHealth(folder, clock)
        self._capacity = capacity
        self._handle = DiskHandle(self._folder, self._health, clock, capacity, max_variants)
        self._writing: Counter[bytes] = Counter()
        self._last_write: asyncio.Future[Any] | None = None
        self._position = 0
        self._learnt = 0
        """Who reads the log knows it up to here, and judges what it hands in by that."""
        self._company: Company = company or Nobody()
        self._is_shared = company is not None

    def watch(self, doubt: Callable[[str | None], None]) -> None:
        """See Watched: other processes change what is stored."""
        self._company.watch(doubt)

    @property
    def is_up(self) -> bool:
        """Whether the last operations went through."""
        return self._health.is_up

    # Opening and closing ---------------------------------------------------------------------------------------

    async def open(self) -> None:
        """Hold the folder and open the file, or begin a new one; where the folder cannot be used that is no error here.
        Raises ConfigError where another process holds it."""
        try:
            self._folder.claim()
            await self._open_file()
        except (sqlite3.Error, OSError) as error:
            self._health.failed("open", error)

    async def close(self) -> None:
        """Write what is queued, close the file and let go of the folder. Idempotent."""
        await self._handle.close()
        self._folder.release()

    async def _open_file(self) -> None:
        await self._handle.open()
        self._position = self._handle.position
        self._submit("count", DiskFile.count, is_hasty=False)

    async def _reopen(self) -> None:
        await self._handle.close()
        try:
            self._folder.claim()
            await self._open_file()
        except (sqlite3.Error, OSError, ConfigError) as error:
            self._failed("open", error)

    # Reading ---------------------------------------------------------------------------------------------------

    async def get(self, key: CacheKey, *, patient: bool = False) -> Found:
        """All variants that have not expired."""
        if as_bytes(key.text) in self._writing:
            await self._written("get")
        return self._found(key, ())

    def at_hand(self, key: CacheKey, heads: Sequence[bytes]) -> Found | None:
        """See proxy.store.backing.AtHand."""
        try:
            return None if as_bytes(key.text) in self._writing else self._found(key, heads)
        except StoreUnavailable:
            return None

    def _found(self, key: CacheKey, heads: Sequence[bytes]) -> Found:
        name, began = as_bytes(key.text), self._clock.monotonic()
        if self._is_shared:  # before what is stored is read: others log purges too
            self._position = self._read("get", disk_file.last_position)
        rows = self._read("get", lambda db: disk_file.variants(db, name, self._clock.now()))
        variants, heads, bodies, bad = read_rows(rows, key, self._capacity, heads)
        for variant, reason in bad:
            self._discard(name, variant, reason)
        self.stats.did("get", "hit" if variants or bodies else "miss", self._clock.monotonic() - began)
        return Found(variants, self._position, heads, bodies)

    async def purges_after(self, position: int) -> Sequence[LoggedPurge]:
        """The log behind ``position``."""
        found = self._read("purges", lambda db: disk_file.purges_after(db, position))
        self._learnt = max(self._learnt, position, *(logged.position for logged in found[-1:]))
        return found

    async def page(self, aim: Purge, cursor: bytes, most: int) -> Page:
        """See Browsed: what was put before is there."""
        place = disk_pages.place_of(cursor)
        await self._written("page")
        return self._read("page", lambda db: disk_pages.page(db, aim, place, most, self._clock.now()))

    async def remove_variant(self, key: CacheKey, variant: bytes) -> None:
        """Remove one variant, by its digest."""
        await self._write("remove", lambda file: file.remove_variant(as_bytes(key.text), variant))

    def _read(self, operation: str, question: Callable[[sqlite3.Connection], T]) -> T:
        if self._handle.reader is None:
            raise StoreUnavailable(operation, "the embedded store is not open")
        if self._is_shared and self._handle.is_replaced():
            self._health.is_replaced = True
            raise StoreUnavailable(operation, "another file is in its place")
        try:
            answer = question(self._handle.reader)
        except (sqlite3.Error, ValueError) as error:
            self._failed(operation, error)
        return answer

    def _discard(self, name: bytes, variant: bytes, reason: BadEntry) -> None:
        self.stats.bad_entries[reason] += 1
        LOG.warning("a stored response could not be used and is removed", extra={"reason": reason.value})
        self._submit("discard", lambda file: file.remove_variant(name, variant), is_hasty=False)

    # Writing ---------------------------------------------------------------------------------------------------

    async def put(self, key: CacheKey, stored: StoredResponse, keep_for: float) -> None:
        """Hand a variant to the writing thread; it lasts some 20 ms later. One over half the room is left out."""
        if self._health.is_pausing:
            raise StoreUnavailable("put", "the disk refused the last write")
        name = as_bytes(key.text)
        try:
            value = encode(key, stored)
        except UnicodeEncodeError as error:
            raise StoreUnavailable("put", f"text that cannot be written: {error.reason}") from None
        if self._handle.file is not None and len(value) > self._handle.file.largest:
            self.stats.did("put", "too_large", 0.0)
            self._submit("remove", partial(DiskFile.remove, key=name), is_hasty=False)
            return
        expires = self._clock.now() + keep_for
        variant, tags = variant_digest(stored.secondary_key), tuple(map(as_bytes, stored.tags))
        place = as_bytes(stored.target), expires, stored.position, stored.is_ended
        judged = self._learnt if self._is_shared else sys.maxsize
        row = Row(name, variant, *place, value, tags, as_bytes(stored.route), stored.fence, judged)
        done = self._submit("put", partial(DiskFile.put, row=row), size=len(value), is_hasty=self._is_shared)
        if done is None:
            raise StoreUnavailable("put", "the embedded store takes no writes")
        self._writing[name] += 1
        done.add_done_callback(lambda _: self._wrote(name))
        if self._is_shared:
            if not await self._awaited("put", done):
                raise SupersededError("put", "a later fetch has stored already, or it was purged meanwhile")
            self._company.changed(key.text)

    async def remove(self, key: CacheKey) -> int:
        """Remove every variant; how many there were."""
        return await self._write("remove", partial(DiskFile.remove, key=as_bytes(key.text)))

    async def log_purge(self, purge: Purge, by: str = "") -> int:
        """Append to the log and wait until it is on the disk."""
        now = self._clock.now()
        position = await self._write("purge", lambda file: file.log(purge, now, by), is_lasting=True)
        self._position = max(self._position, position)
        return position

    async def sweep(self) -> Swept:
        """One step of some milliseconds on the writing thread. Opens what could not be opened before."""
        if None in (self._handle.writer, self._handle.reader) or self._health.is_unreadable or self._health.is_replaced:
            await self._reopen()
        if not self._company.keeps_house:
            return Swept(0, self._read("sweep", disk_file.carried_out), more=False)
        return await self._write("sweep", partial(DiskFile.sweep, now=self._clock.now()))

    async def forget_purges(self, up_to: int) -> None:
        """Drop carried-out purges up to a position, as far as everyone knows them."""
        up_to = min(up_to, self._company.all_know)
        if self._company.keeps_house and up_to > 0:
            await self._write("sweep", lambda file: file.forget(up_to))
            self._company.forgot(up_to)

    async def _write(self, operation: str, work: Callable[[DiskFile], T], *, is_lasting: bool = False) -> T:
        done = self._submit(operation, work, is_lasting=is_lasting)
        if done is None:
            raise StoreUnavailable(operation, "the embedded store takes no writes")
        return await self._awaited(operation, done)

    def _submit(
        self,
        operation: str,
        work: Callable[[DiskFile], T],
        *,
        size: int = 0,
        is_hasty: bool = True,
        is_lasting: bool = False,
    ) -> "asyncio.Future[T] | None":
        """Hand a job to the writing thread; None where that takes none now."""
        if self._handle.writer is None:
            return None
        began = self._clock.monotonic()
        try:
            done = self._handle.writer.submit(work, size=size, is_hasty=is_hasty, is_lasting=is_lasting)
        except OSError as error:
            self._health.failed(operation, error)
            return None
        self._last_write = done
        done.add_done_callback(lambda job: self._settled(operation, job, self._clock.monotonic() - began))
        return done

    async def _written(self, operation: str) -> None:
        """Wait for everything that has been handed to the writing thread."""
        if self._last_write is not None:
            with suppress(StoreUnavailable):  # what could not be written is simply not there
                await self._awaited(operation, self._last_write)

    async def _awaited(self, operation: str, done: Awaitable[T]) -> T:
        try:
            async with asyncio.timeout(_LONGEST_WAIT):
                return await asyncio.shield(done)
        except TimeoutError:
            raise StoreUnavailable(operation, "the disk does not answer") from None
        except Exception as error:
            raise StoreUnavailable(operation, str(error)) from error

    # What became of it -----------------------------------------------------------------------------------------

    def _wrote(self, name: bytes) -> None:
        self._writing[name] -= 1
        if not self._writing[name]:
            del self._writing[name]

    def _settled(self, operation: str, done: "asyncio.Future[Any]", seconds: float) -> None:
        error = None if done.cancelled() else done.exception()
        self.stats.did(operation, "ok" if error is None else "error", seconds)
        if error is not None:
            self._health.failed(operation, error, is_write=True)
            return
        self._health.worked()
        if self._handle.file is not None:
            standing = self._handle.file.standing
            self.stats.entries, self.stats.bytes = standing.entries, standing.used
            self.stats.evictions = standing.evictions

    def _failed(self, operation: str, error: Exception) -> NoReturn:
        self.stats.did(operation, "error", 0.0)
        self._health.failed(operation, error)
        raise StoreUnavailable(operation, str(error)) from error
