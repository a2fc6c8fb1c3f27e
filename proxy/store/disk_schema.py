"""The embedded store's file as such: its tables, how it is opened, and how one of the version before is renewed. Reads
and writes nothing that is stored.
"""

import sqlite3
from pathlib import Path
from typing import Final

_SCHEMA: Final = 5
_APPLICATION: Final = 0x54414D42  # "TAMB"
_TABLES: Final = """
PRAGMA auto_vacuum = INCREMENTAL;
PRAGMA journal_mode = WAL;
BEGIN;
CREATE TABLE stored (
    id INTEGER PRIMARY KEY, key BLOB NOT NULL, variant BLOB NOT NULL, target BLOB NOT NULL, expires REAL NOT NULL,
    position INTEGER NOT NULL, ended INTEGER NOT NULL, value BLOB NOT NULL, route BLOB NOT NULL DEFAULT x'',
    fence INTEGER NOT NULL DEFAULT 0
);
CREATE UNIQUE INDEX stored_by_key ON stored (key, variant);
CREATE INDEX stored_by_target ON stored (target);
CREATE INDEX stored_by_expiry ON stored (expires);
CREATE TABLE tagged (tag BLOB NOT NULL, id INTEGER NOT NULL, PRIMARY KEY (tag, id)) WITHOUT ROWID;
CREATE INDEX tagged_by_id ON tagged (id);
CREATE TRIGGER untag AFTER DELETE ON stored BEGIN DELETE FROM tagged WHERE id = OLD.id; END;
CREATE TABLE purges (
    position INTEGER PRIMARY KEY AUTOINCREMENT, kind TEXT NOT NULL, argument BLOB NOT NULL, mode TEXT NOT NULL,
    at REAL NOT NULL, carried_out INTEGER NOT NULL DEFAULT 0, who TEXT NOT NULL DEFAULT ''
);
CREATE INDEX purges_to_do ON purges (position) WHERE carried_out = 0;
INSERT INTO sqlite_sequence (name, seq) VALUES ('purges', {first_position:d});
PRAGMA application_id = {application:d};
PRAGMA user_version = {schema:d};
COMMIT;
"""
_RENEWALS: Final = {
    3: "ALTER TABLE stored ADD COLUMN fence INTEGER NOT NULL DEFAULT 0;",
    4: "ALTER TABLE purges ADD COLUMN who TEXT NOT NULL DEFAULT '';",
}
"""What a file of an older schema lacks."""


class ForeignFileError(sqlite3.DatabaseError):
    """The file is a database, but not one that this version can read."""


def connect(path: Path, first_position: int = 0) -> sqlite3.Connection:
    """A connection to the file, which is made when it is missing, its purge log beginning behind ``first_position``.

    Raises sqlite3.Error.
    """
    db = sqlite3.connect(path, timeout=1.0, isolation_level=None, check_same_thread=False)
    try:
        for pragma in ("synchronous = NORMAL", "cache_size = -8192"):
            db.execute(f"PRAGMA {pragma}").fetchall()
        _prepare(db, first_position)
    except BaseException:
        db.close()
        raise
    return db


def _prepare(db: sqlite3.Connection, first_position: int) -> None:
    version = db.execute("PRAGMA user_version").fetchone()[0]
    application = db.execute("PRAGMA application_id").fetchone()[0]
    if version == 0 and not db.execute("SELECT 1 FROM sqlite_master LIMIT 1").fetchone():
        db.executescript(_TABLES.format(first_position=first_position, application=_APPLICATION, schema=_SCHEMA))
    elif application == _APPLICATION and version in _RENEWALS:
        missing = "".join(_RENEWALS[each] for each in range(version, _SCHEMA))
        db.executescript(f"BEGIN; {missing} PRAGMA user_version = {_SCHEMA:d}; COMMIT;")
    elif (version, application) != (_SCHEMA, _APPLICATION):
        raise ForeignFileError(f"it has version {version} of something, not version {_SCHEMA} of Tambo's store")
