"""The embedded store's file while it is open: a connection that reads and a thread that writes. Stores nothing."""

import asyncio
import sqlite3
from pathlib import Path

from proxy.clock import Clock
from proxy.store.disk_file import DiskFile, last_position
from proxy.store.disk_folder import DataFolder
from proxy.store.disk_health import DiskHealth, is_unreadable
from proxy.store.disk_schema import connect
from proxy.store.disk_writer import DiskWriter


class DiskHandle:
    """Opened and closed as often as need be; everything is None while it is closed."""

    def __init__(self, folder: DataFolder, health: DiskHealth, clock: Clock, capacity: int, max_variants: int) -> None:
        """``capacity``: bytes that the file and its log may take on the disk."""
        self._folder = folder
        self._health = health
        self._clock = clock
        self._capacity = capacity
        self._max_variants = max_variants
        self._identity = 0
        self.reader: sqlite3.Connection | None = None
        self.writer: DiskWriter | None = None
        self.file: DiskFile | None = None
        self.position = 0
        """The purge log's, when the file was opened."""

    async def open(self) -> None:
        """Open the file, or begin a new one in place of one that cannot be read. Raises sqlite3.Error and OSError."""
        path = self._folder.file
        db, self._identity = await asyncio.to_thread(self._connect, path, int(self._clock.now() * 1000))
        self.file = DiskFile(db, self._clock.now, self._capacity, self._max_variants)
        self.writer = DiskWriter(db, self.file)
        self.reader = connect(path)
        self.reader.execute("PRAGMA query_only = 1")
        self.position = last_position(self.reader)
        self._health.is_replaced = False

    async def close(self) -> None:
        """Write what is queued and close. Idempotent."""
        writer, self.writer = self.writer, None
        if writer is not None:
            await writer.close()
        reader, self.reader = self.reader, None
        if reader is not None:
            reader.close()

    def is_replaced(self) -> bool:
        """Whether another process has set the file aside, so that another one is in its place."""
        return self._folder.identity() != self._identity

    def _connect(self, path: Path, stamp: int) -> tuple[sqlite3.Connection, int]:
        """A connection to the file, and its identity. One process at a time: waits for others.

        Positions in a new file begin behind all that an older one, now set aside, may have given: at ``stamp``.
        """
        with self._folder.opening():
            if self._health.is_unreadable:
                if not self.is_replaced():  # else another process was faster
                    self._folder.set_aside("damaged", stamp)
                self._health.is_unreadable = False
            try:
                db = connect(path, first_position=stamp)
            except sqlite3.DatabaseError as error:
                if not is_unreadable(error):
                    raise
                self._folder.set_aside(str(error), stamp)
                db = connect(path, first_position=stamp)
            return db, self._folder.identity()
