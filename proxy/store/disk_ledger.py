"""The ledger as a file beside the embedded store, shared by all processes of one machine that use the same folder.
Satisfies proxy.exchange.ledger.Ledger. Stores no response.

A file of its own: a list of ten thousand URLs must not wait behind, or evict, what clients are answered with.
"""

import asyncio
import logging
import sqlite3
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final, TypeVar

from proxy.clock import Clock
from proxy.errors import StoreUnavailable
from proxy.exchange.ledger import MOST_NAMES
from proxy.store.disk_health import is_unreadable

T = TypeVar("T")

LOG: Final = logging.getLogger("tambo.store")
_BUSY: Final = 5.0
"""Seconds that another process's write is waited for."""
_TABLES: Final = """
PRAGMA journal_mode = WAL;
PRAGMA synchronous = NORMAL;
CREATE TABLE IF NOT EXISTS ledger (name TEXT PRIMARY KEY, value BLOB NOT NULL, ends REAL NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS holds (name TEXT PRIMARY KEY, holder TEXT NOT NULL, ends REAL NOT NULL) WITHOUT ROWID;
"""


class DiskLedger:
    """Opened when it is first used; tried again with each use where that fails."""

    def __init__(self, file: Path, clock: Clock) -> None:
        """``file``: made when it is missing, with its folder."""
        self._file = file
        self._clock = clock
        self._db: sqlite3.Connection | None = None
        # One thread for everything: whoever stops waiting leaves its work to be finished before the next begins, and
        # before the connection is closed (to close one that another thread works with ends the process).
        self._thread = ThreadPoolExecutor(1, "tambo-ledger")
        self._is_closed = False

    async def close(self) -> None:
        """See Ledger."""
        if not self._is_closed:
            self._is_closed = True
            await asyncio.get_running_loop().run_in_executor(self._thread, self._let_go)
            self._thread.shutdown(wait=False)

    def _let_go(self) -> None:
        db, self._db = self._db, None
        if db is not None:
            db.close()

    async def write(self, name: str, value: bytes, keep_for: float) -> None:
        """See Ledger."""
        now = self._clock.now()

        def work(db: sqlite3.Connection) -> None:
            db.execute("DELETE FROM ledger WHERE ends <= ?", (now,))
            db.execute("DELETE FROM holds WHERE ends <= ?", (now,))
            db.execute("INSERT OR REPLACE INTO ledger VALUES (?, ?, ?)", (name, value, now + keep_for))

        await self._do("write", work)

    async def read(self, name: str) -> bytes | None:
        """See Ledger."""
        row = await self._do("read", lambda db: db.execute(_READ, (name, self._clock.now())).fetchone())
        return None if row is None else bytes(row[0])

    async def remove(self, name: str) -> None:
        """See Ledger."""
        await self._do("remove", lambda db: db.execute("DELETE FROM ledger WHERE name = ?", (name,)))

    async def names(self, prefix: str) -> Sequence[str]:
        """See Ledger."""
        asked = (len(prefix), prefix, self._clock.now(), MOST_NAMES)
        rows = await self._do("names", lambda db: db.execute(_NAMES, asked).fetchall())
        return [name for (name,) in reversed(rows)]

    async def hold(self, name: str, holder: str, seconds: float) -> bool:
        """See Ledger."""
        now = self._clock.now()
        asked = (name, holder, now + seconds, holder, now)
        return await self._do("hold", lambda db: db.execute(_HOLD, asked).rowcount) > 0

    async def let_go(self, name: str, holder: str) -> None:
        """See Ledger."""
        await self._do("hold", lambda db: db.execute("DELETE FROM holds WHERE name = ? AND holder = ?", (name, holder)))

    async def _do(self, operation: str, work: Callable[[sqlite3.Connection], T]) -> T:
        if self._is_closed:
            raise StoreUnavailable(operation, "the ledger is closed")
        try:
            return await asyncio.get_running_loop().run_in_executor(self._thread, self._transact, work)
        except (sqlite3.Error, OSError) as error:
            raise StoreUnavailable(operation, f"the ledger {self._file}: {error}") from None

    def _transact(self, work: Callable[[sqlite3.Connection], T]) -> T:
        if self._db is None:
            self._db = self._connect()
        with self._db:
            self._db.execute("BEGIN IMMEDIATE")
            return work(self._db)

    def _connect(self) -> sqlite3.Connection:
        self._file.parent.mkdir(parents=True, exist_ok=True)
        try:
            return _opened(self._file)
        except sqlite3.DatabaseError as error:
            if not is_unreadable(error):
                raise
            aside = self._file.with_name(f"{self._file.name}.unreadable-{int(self._clock.now() * 1000)}")
            self._file.replace(aside)
            LOG.error("the ledger cannot be read (%s): set aside as %s, a new one begins", error, aside)  # noqa: TRY400 - the operator's line, not a bug's traceback
            return _opened(self._file)


_READ: Final = "SELECT value FROM ledger WHERE name = ? AND ends > ?"
_NAMES: Final = "SELECT name FROM ledger WHERE substr(name, 1, ?) = ? AND ends > ? ORDER BY name DESC LIMIT ?"
_HOLD: Final = """
INSERT INTO holds VALUES (?, ?, ?) ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, ends = excluded.ends
WHERE holds.holder = ? OR holds.ends <= ?"""


def _opened(file: Path) -> sqlite3.Connection:
    db = sqlite3.connect(file, timeout=_BUSY, isolation_level=None, check_same_thread=False)
    try:
        db.executescript(_TABLES)
    except BaseException:
        db.close()
        raise
    return db
