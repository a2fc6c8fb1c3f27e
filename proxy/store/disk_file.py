"""The embedded store's file: the statements over its tables. Synchronous; one thread of a process writes.

WAL mode with synchronous=NORMAL: a killed process loses nothing that was committed and never the file; a power cut may
take the last moments, but a purge is on the disk before it is said to be logged. What expires first leaves first.
"""

import sqlite3
from collections.abc import Callable, Sequence
from typing import Any, Final

from msgspec import Struct
from msgspec.structs import replace

from proxy.exchange.purges import Purge, PurgeKind, PurgeMode
from proxy.policy.freshness import SKEW
from proxy.store.backing import CarriedOut, LoggedPurge, Swept
from proxy.store.disk_aim import aim, as_bytes, is_met

STEP: Final = 200
"""Rows that one step of a sweep touches at most: some 2 ms."""

_ANOTHER_CLOCK: Final = 3_600_000_000
"""Microseconds."""
_RESERVE: Final = 16 * 1024 * 1024
_MOST_IDLE: Final = 4
_MOST_PURGES: Final = 64
_PUT: Final = (
    "INSERT INTO stored (key, variant, target, expires, position, ended, value, route, fence)"
    " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"
)


class Row(Struct, frozen=True):
    """One stored variant as it is written."""

    key: bytes
    variant: bytes
    target: bytes
    expires: float
    """Wall seconds since the epoch."""
    position: int
    ended: bool
    value: bytes
    tags: tuple[bytes, ...] = ()
    route: bytes = b""
    fence: int = 0
    """0: its fetch was nobody's but this process's."""
    judged: int = 0
    """Whoever hands it in has minded the purges up to here."""


class Standing(Struct, frozen=True):
    """What is known of the file beside its content."""

    entries: int = 0
    used: int = 0
    """Bytes."""
    evictions: int = 0
    """Since the file was opened."""
    reached: tuple[int, bytes, int, int] = (0, b"", 0, 0)
    """How far the purge at a position has been carried out: the last target and id, and how many it met."""


class DiskFile:
    """The writing side. Every method belongs inside a transaction of its caller, and raises sqlite3.Error."""

    def __init__(self, db: sqlite3.Connection, now: Callable[[], float], capacity: int, max_variants: int) -> None:
        """``now``: wall seconds. ``capacity``: bytes of the file with its log; a part is kept free for the log."""
        self._db = db
        self._now = now
        reserve = min(_RESERVE, capacity // 4)
        self._capacity = capacity - reserve
        self._max_variants = max_variants
        self._page = self._number("PRAGMA page_size")
        self.batch_bytes = reserve // 8
        """Bytes of values that one transaction should have at most, for the log to stay within the reserve."""
        self._number(f"PRAGMA wal_autocheckpoint = {max(1, self.batch_bytes // self._page)}")
        self._number(f"PRAGMA journal_size_limit = {reserve // 2}")
        self.standing = Standing()
        """What a transaction that is rolled back must set back too."""

    @property
    def largest(self) -> int:
        """Bytes of the largest value that is taken in: half of all there is room for."""
        return self._capacity // 2

    def count(self) -> None:
        """Learn how many stored responses there are, and their size."""
        self._note(entries=self._number("SELECT COUNT(*) FROM stored"), used=self._used())

    def put(self, row: Row) -> bool:
        """Write a variant in place of the one like it, and make room for it. False: a later fetch has stored one, or
        it was purged hard meanwhile."""
        if row.fence and self._is_superseded(row):
            return False
        self._remove("key = ? AND variant = ?", row.key, row.variant)
        row_id = self._db.execute(
            _PUT,
            (row.key, row.variant, row.target, row.expires, row.position, row.ended, row.value, row.route, row.fence),
        ).lastrowid
        self._db.executemany(
            "INSERT OR IGNORE INTO tagged (tag, id) VALUES (?, ?)", [(tag, row_id) for tag in row.tags]
        )
        self._note(entries=self.standing.entries + 1)
        purged = self._purged_meanwhile(row, row_id or 0)
        if purged is PurgeMode.HARD:
            self._remove("id = ?", row_id)
            return False
        if purged is PurgeMode.SOFT:
            self._db.execute("UPDATE stored SET ended = 1 WHERE id = ?", (row_id,))
        if row.variant:
            newest = "SELECT id FROM stored WHERE key = ? ORDER BY id DESC LIMIT ?"
            self._evict(f"key = ? AND id NOT IN ({newest})", row.key, row.key, self._max_variants)
        self._make_room()
        return True

    def _is_superseded(self, row: Row) -> bool:
        """A fence from later than now is another clock's, not a later fetch's, unless this one's is from there as well:
        who gives them goes on from when it began."""
        (newest,) = self._db.execute("SELECT MAX(fence) FROM stored WHERE key = ?", (row.key,)).fetchone()
        if newest is None or newest <= row.fence:
            return False
        horizon = int((self._now() + SKEW) * 1e6)
        return newest <= horizon or (row.fence > horizon and newest < row.fence + _ANOTHER_CLOCK)

    def _purged_meanwhile(self, row: Row, row_id: int) -> PurgeMode | None:
        """The strongest purge of this row that was logged since it was judged: where other processes log purges too,
        who hands it in may not have read them yet, and what is carried out already would pass the row by."""
        judged = max(row.position, row.judged)
        if judged >= last_position(self._db):
            return None
        modes = {
            logged.purge.mode
            for logged in purges_after(self._db, judged)
            if (first := self._db.execute(*aim(logged.purge, row.target, row_id - 1, 1)).fetchone()) is not None
            and first[1] == row_id
            and is_met(logged.purge, first[0], first[4])
        }
        return PurgeMode.HARD if PurgeMode.HARD in modes else next(iter(modes), None)

    def remove(self, key: bytes) -> int:
        """Remove every variant of a key; how many."""
        return self._remove("key = ?", key)

    def remove_variant(self, key: bytes, variant: bytes) -> int:
        """Remove one variant."""
        return self._remove("key = ? AND variant = ?", key, variant)

    def log(self, purge: Purge, at: float, by: str) -> int:
        """Append a purge; its position."""
        row = (purge.kind.value, as_bytes(purge.argument), purge.mode.value, at, by)
        into = "INSERT INTO purges (kind, argument, mode, at, who) VALUES (?, ?, ?, ?, ?)"
        return self._db.execute(into, row).lastrowid or 0

    def forget(self, up_to: int) -> None:
        """Drop carried-out purges up to a position."""
        self._db.execute("DELETE FROM purges WHERE position <= ? AND carried_out = 1", (up_to,))

    def sweep(self, now: float) -> Swept:
        """One step: what expired, then the oldest purges that are not carried out, then pages that are free."""
        changed = self._remove("id IN (SELECT id FROM stored WHERE expires <= ? ORDER BY expires LIMIT ?)", now, STEP)
        more = changed >= STEP
        ended: list[CarriedOut] = []
        for _ in range(_MOST_PURGES):
            to_do = self._next_to_do()
            if to_do is None or changed >= STEP:
                break
            touched, done = self._carry_out(to_do)
            changed += touched
            if done:
                self._db.execute("UPDATE purges SET carried_out = 1 WHERE position = ?", (to_do.position,))
                ended.append(CarriedOut(to_do, self.standing.reached[3]))
        left = self._next_to_do()
        self._make_room()
        shrinks = self._give_back()
        carried_out = last_position(self._db) if left is None else left.position - 1
        return Swept(changed, carried_out, more or left is not None or shrinks, ended)

    def _next_to_do(self) -> LoggedPurge | None:
        rows = self._db.execute(f"{_PURGES} WHERE carried_out = 0 ORDER BY position LIMIT 1").fetchall()
        return _logged(rows[0]) if rows else None

    def _carry_out(self, logged: LoggedPurge) -> tuple[int, bool]:
        """A step of one purge: how many rows it looked at, and whether it is done."""
        position, target, row_id, met = self.standing.reached
        if position != logged.position:
            target, row_id, met = b"", 0, 0
        rows = self._db.execute(*aim(logged.purge, target, row_id, STEP)).fetchall()
        hard = logged.purge.mode is PurgeMode.HARD
        older = [
            (row[1],)
            for row in rows
            if row[2] < logged.position and (hard or not row[3]) and is_met(logged.purge, row[0], row[4])
        ]
        if hard:
            self._db.executemany("DELETE FROM stored WHERE id = ?", older)
            self._note(entries=self.standing.entries - len(older))
        else:
            self._db.executemany("UPDATE stored SET ended = 1 WHERE id = ?", older)
        if rows:
            target, row_id = rows[-1][:2]
        self._note(reached=(logged.position, target, row_id, met + len(older)))
        return len(rows), len(rows) < STEP

    def _make_room(self) -> None:
        while (used := self._used()) > self._capacity:
            if not self._evict("id IN (SELECT id FROM stored ORDER BY expires LIMIT 32)"):
                break
        self._note(used=used)

    def _used(self) -> int:
        """Bytes in use: pages of the file that are not free."""
        return (self._number("PRAGMA page_count") - self._number("PRAGMA freelist_count")) * self._page

    def _evict(self, where: str, *values: object) -> int:
        gone = self._remove(where, *values)
        self._note(evictions=self.standing.evictions + gone)
        return gone

    def _give_back(self) -> bool:
        """Make the file shorter where a quarter of it or more is free; whether there is more to do."""
        free, pages = self._number("PRAGMA freelist_count"), self._number("PRAGMA page_count")
        if free * _MOST_IDLE < pages or free < STEP:
            return False
        self._db.execute(f"PRAGMA incremental_vacuum({STEP})").fetchall()
        return True

    def _remove(self, where: str, *values: object) -> int:
        # ``where`` is one of the literals above; what comes from outside is only ever bound.
        gone = self._db.execute(f"DELETE FROM stored WHERE {where}", values).rowcount  # noqa: S608
        self._note(entries=self.standing.entries - gone)
        return gone

    def _note(self, **changes: Any) -> None:
        self.standing = replace(self.standing, **changes)

    def _number(self, question: str) -> int:
        return int(self._db.execute(question).fetchone()[0])


_PURGES: Final = "SELECT position, kind, argument, mode, at, who FROM purges"


def last_position(db: sqlite3.Connection) -> int:
    """The highest position that was ever given."""
    row = db.execute("SELECT seq FROM sqlite_sequence WHERE name = 'purges'").fetchone()
    return int(row[0]) if row else 0


def carried_out(db: sqlite3.Connection) -> int:
    """The position up to which every purge has been carried out on what is stored."""
    (to_do,) = db.execute("SELECT MIN(position) FROM purges WHERE carried_out = 0").fetchone()
    return last_position(db) if to_do is None else int(to_do) - 1


def purges_after(db: sqlite3.Connection, position: int) -> Sequence[LoggedPurge]:
    """The log behind ``position``."""
    return [_logged(row) for row in db.execute(f"{_PURGES} WHERE position > ? ORDER BY position", (position,))]


def variants(db: sqlite3.Connection, key: bytes, now: float) -> list[tuple[bytes, int, bytes]]:
    """What is stored under a key and has not expired: variant, whether it was ended, value."""
    question = "SELECT variant, ended, value FROM stored WHERE key = ? AND expires > ?"
    return db.execute(question, (key, now)).fetchall()


def _logged(row: tuple[int, str, bytes, str, float, str]) -> LoggedPurge:
    position, kind, argument, mode, at, by = row
    purge = Purge(PurgeKind(kind), argument.decode("utf-8", "surrogatepass"), PurgeMode(mode))
    return LoggedPurge(position, purge, at, by)
