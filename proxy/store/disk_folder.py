"""The folder of the embedded store: who may use it, and where a file goes that cannot be read. Knows nothing of SQL."""

import errno
import fcntl
import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from proxy.errors import ConfigError

LOG: Final = logging.getLogger("tambo.store")

FILE_NAME: Final = "tambo.sqlite"
_LOCK_NAME: Final = "tambo.lock"
_OPENING_NAME: Final = "tambo.opening"
_COMPANIONS: Final = ("", "-wal", "-shm")


class DataFolder:
    """A folder that one process at a time may hold."""

    def __init__(self, path: Path, file_name: str = FILE_NAME, *, is_held: bool = False) -> None:
        """``path`` is made when it is missing, with its parents. ``is_held``: a supervisor holds it for us."""
        self._is_held = is_held
        self.path = path
        self.file = path / file_name
        self._lock: int | None = None

    def claim(self) -> None:
        """Hold the folder until ``release`` or the end of the process; holding it already is fine.

        Raises ConfigError where another process holds it, OSError where it cannot be made or written to.
        """
        if self._lock is not None or self._is_held:
            return
        self.path.mkdir(parents=True, exist_ok=True)
        lock = os.open(self.path / _LOCK_NAME, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            os.ftruncate(lock, 0)
            os.pwrite(lock, f"{os.getpid()}\n".encode(), 0)
        except OSError as error:
            holder = os.pread(lock, 32, 0).decode("ascii", "replace").strip()
            os.close(lock)
            if error.errno in (errno.EAGAIN, errno.EACCES):
                raise ConfigError("store.data_dir", self._taken(holder)) from None
            raise
        self._lock = lock

    def release(self) -> None:
        """Let go of the folder. Idempotent. The lock's file stays: to remove it would let two hold the folder."""
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    @contextmanager
    def opening(self) -> Iterator[None]:
        """Make, open or set aside the file: one process at a time, of all that use it. Waits. Raises OSError."""
        self.path.mkdir(parents=True, exist_ok=True)
        lock = os.open(self.path / _OPENING_NAME, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield
        finally:
            os.close(lock)

    def identity(self) -> int:
        """The file's number on its disk; 0: there is none. Another number is another file."""
        try:
            return self.file.stat().st_ino
        except OSError:
            return 0

    def set_aside(self, why: str, stamp: int) -> Path:
        """Rename the file (and what belongs to it), so that a new one can begin; its new name."""
        aside = self.path / f"{self.file.name}.unreadable-{stamp}"
        for ending in _COMPANIONS:
            found = self.file.with_name(self.file.name + ending)
            if found.exists():
                found.replace(aside.with_name(aside.name + ending))
        LOG.error("the embedded store's file cannot be read (%s): set aside as %s, a new one begins", why, aside)
        return aside

    def _taken(self, holder: str) -> str:
        who = f"process {holder}" if holder.isdigit() else "another process"
        return (
            f"the folder {self.path.resolve()} is in use by {who}, another Tambo: "
            "stop it, or set DATA_DIR to a folder of its own for this one"
        )
