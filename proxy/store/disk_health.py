"""Whether the embedded store works: told once per outage, and when it stays over. Opens and closes nothing."""

import logging
import sqlite3
from pathlib import Path
from typing import Final

from proxy.clock import Clock
from proxy.store.disk_schema import ForeignFileError

LOG: Final = logging.getLogger("tambo.store")

_PAUSE: Final = 1.0
"""Seconds after a failed write in which no other is tried."""
_STEADY: Final = 10.0
"""Seconds without a failure after which an outage is over: a nearly full disk takes one write and refuses the next."""
_UNREADABLE: Final = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}


class DiskHealth:
    """What the last operations say."""

    def __init__(self, folder: Path, clock: Clock) -> None:
        """``folder`` is for the log."""
        self._folder = folder
        self._clock = clock
        self._pause_until = 0.0
        self._failed_at = 0.0
        self._is_told = False
        self.is_up = True
        self.is_unreadable = False
        """The file is damaged: it has to be set aside before anything works again."""
        self.is_replaced = False
        """Another process has set the file aside: another one is in its place."""

    @property
    def is_pausing(self) -> bool:
        """Whether a write failed so lately that the next is not worth trying."""
        return self._clock.monotonic() < self._pause_until

    def failed(self, operation: str, error: BaseException, *, is_write: bool = False) -> None:
        """Note a failure."""
        self.is_unreadable = self.is_unreadable or is_unreadable(error)
        if is_write:
            self._pause_until = self._clock.monotonic() + _PAUSE
        self._failed_at = self._clock.monotonic()
        self.is_up = False
        if not self._is_told:
            self._is_told = True
            LOG.error("the embedded store in %s fails (%s: %s); going on without it", self._folder, operation, error)

    def worked(self) -> None:
        """Note that a write went through."""
        self.is_up = True
        if self._is_told and self._clock.monotonic() - self._failed_at >= _STEADY:
            self._is_told = False
            LOG.info("the embedded store in %s works again", self._folder)


def is_unreadable(error: BaseException) -> bool:
    """Whether the file itself is at fault: it is no database, not ours, or damaged."""
    if isinstance(error, ForeignFileError):
        return True
    # The low byte of SQLite's code is the primary one; the rest says where it was noticed.
    return isinstance(error, sqlite3.DatabaseError) and (getattr(error, "sqlite_errorcode", 0) & 0xFF) in _UNREADABLE
