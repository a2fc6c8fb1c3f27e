"""Reads what the embedded store's file holds page by page, heads without their bodies. Changes and judges nothing."""

import sqlite3
import struct
from typing import Final, TypeAlias

from msgspec.structs import replace

from proxy.exchange.inventory import Page, Row
from proxy.exchange.purges import Purge
from proxy.store.codec import HEAD_AT, EnvelopeHead, decode_head, head_end
from proxy.store.disk_aim import aim, is_met

_PLACE: Final = struct.Struct(">q")
_ONE: Final = "SELECT expires, ended, length(value) FROM stored WHERE id = ?"


Place: TypeAlias = tuple[bytes, int]
"""Behind which target and id a page begins."""


def page(db: sqlite3.Connection, wanted: Purge, place: Place, most: int, now: float) -> Page:
    """The next ``most`` rows that such a purge is aimed at, less those that expired; some 15 µs each.

    Raises sqlite3.Error.
    """
    db.execute("BEGIN")
    try:
        found = db.execute(*aim(wanted, *place, most)).fetchall()
        met = [row[1] for row in found if is_met(wanted, row[0], row[4])]
        rows = [row for each in met if (row := _row(db, each, now)) is not None]
    finally:
        db.execute("COMMIT")
    if len(found) < most:
        return Page(rows, b"")
    return Page(rows, _PLACE.pack(found[-1][1]) + found[-1][0])


def place_of(cursor: bytes) -> Place:
    """Where a page begins. Raises ValueError for what is no cursor."""
    if not cursor:
        return b"", 0
    if len(cursor) < _PLACE.size:
        raise ValueError("not a cursor")
    return cursor[_PLACE.size :], int(_PLACE.unpack_from(cursor)[0])


def _row(db: sqlite3.Connection, row_id: int, now: float) -> Row | None:
    expires, ended, size = db.execute(_ONE, (row_id,)).fetchone()
    head = _head(db, row_id) if expires > now else None
    if head is None:
        return None
    return Row(head.key, replace(head.stored, is_ended=bool(ended) or head.stored.is_ended), head.body_length, size)


def _head(db: sqlite3.Connection, row_id: int) -> EnvelopeHead | None:
    """Only the head's pages are read, however long the body."""
    with db.blobopen("stored", "value", row_id, readonly=True) as value:
        start = value.read(HEAD_AT)
        end = head_end(start)
        return decode_head(start + value.read(end - HEAD_AT)) if end else None
