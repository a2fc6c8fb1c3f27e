"""Measures SQLite, LMDB and diskcache as the embedded store: put, get and cold start with 100,000 answers of 2 KB.

Run: ``python bench/embedded_store.py [--entries N] [--folder DIR] [--json]`` (needs ``pip install lmdb diskcache``).
Every engine holds what the store needs, not just a key and a value: look-up by key, expiry in order, purge by prefix
of the target, and the value is a real envelope (proxy.store.codec). Start is measured in a new process after the page
cache was asked to drop the files. Times are medians; this is a comparison of engines on one machine, not a promise.
"""

import argparse
import importlib.util
import json
import os
import random
import shutil
import sqlite3
import statistics
import struct
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Protocol

sys.path.insert(0, str(Path(__file__).parent.parent))

from proxy.policy.cache_key import CacheKey
from proxy.policy.messages import Fields, StoredResponse, Windows
from proxy.store.codec import decode, encode

BATCH = 64
NOW = 1_700_000_000.0


def key_of(number: int) -> CacheKey:
    """The key of one of the answers, written like a RUC look-up."""
    return CacheKey(f"sunat:ruc:{number:011d}", f"/obtener-ruc/{number:011d}")


def answer(number: int) -> StoredResponse:
    """A 2 KB answer whose body compresses about as well as JSON does, not like a constant."""
    source = random.Random(number)  # noqa: S311 - a benchmark's bodies, no secret
    rows = [{"nombre": f"{source.getrandbits(96):x}", "valor": source.random()} for _ in range(33)]
    body = json.dumps({"ruc": f"{number:011d}", "filas": rows}).encode()[:2048]
    lines = (("Content-Type", "application/json"), ("Date", "Tue, 14 Nov 2023 22:13:20 GMT"), ("Server", "uvicorn"))
    return StoredResponse(
        key_of(number).target, "ruc", 200, "OK", Fields(lines), body, (), ("sunat", f"ruc:{number}"),
        f'"{number:032x}"', True, None, 604800.0, 0.0, NOW, Windows(604800.0, 2592000.0, 31536000.0), cost=4.2,
    )  # fmt: skip


Row = tuple[CacheKey, bytes, float]


class Engine(Protocol):
    """What is asked of each candidate."""

    def __init__(self, folder: Path) -> None: ...
    def put_many(self, rows: list[Row]) -> None: ...
    def get(self, key: CacheKey) -> bytes | None: ...
    def count(self) -> int: ...
    def expire(self, now: float, limit: int) -> int: ...
    def purge_prefix(self, prefix: str, limit: int) -> int: ...
    def close(self) -> None: ...


class Sqlite:
    """The standard library's SQLite: WAL, synchronous=NORMAL, one table with two indexes."""

    def __init__(self, folder: Path) -> None:
        self.db = sqlite3.connect(folder / "cache.sqlite", isolation_level=None, cached_statements=64)
        for pragma in ("journal_mode=WAL", "synchronous=NORMAL", "cache_size=-8192"):
            self.db.execute(f"PRAGMA {pragma}").fetchall()
        self.db.execute(
            "CREATE TABLE IF NOT EXISTS stored (id INTEGER PRIMARY KEY, key TEXT NOT NULL, variant BLOB NOT NULL,"
            " target TEXT NOT NULL, expires REAL NOT NULL, position INTEGER NOT NULL, value BLOB NOT NULL)"
        )
        self.db.execute("CREATE UNIQUE INDEX IF NOT EXISTS by_key ON stored (key, variant)")
        self.db.execute("CREATE INDEX IF NOT EXISTS by_expiry ON stored (expires)")
        self.db.execute("CREATE INDEX IF NOT EXISTS by_target ON stored (target)")

    def put_many(self, rows: list[Row]) -> None:
        """One transaction."""
        self.db.execute("BEGIN IMMEDIATE")
        self.db.executemany(
            "INSERT OR REPLACE INTO stored (key, variant, target, expires, position, value) VALUES (?, ?, ?, ?, 0, ?)",
            [(key.text, b"", key.target, expires, value) for key, value, expires in rows],
        )
        self.db.execute("COMMIT")

    def get(self, key: CacheKey) -> bytes | None:
        """All variants' bytes (there is one)."""
        rows = self.db.execute("SELECT value, expires FROM stored WHERE key = ?", (key.text,)).fetchall()
        return rows[0][0] if rows else None

    def count(self) -> int:
        """How many there are, as a start would learn it."""
        return int(self.db.execute("SELECT COUNT(*) FROM stored").fetchone()[0])

    def expire(self, now: float, limit: int) -> int:
        """One bounded step."""
        return self.db.execute(
            "DELETE FROM stored WHERE id IN (SELECT id FROM stored WHERE expires <= ? LIMIT ?)", (now, limit)
        ).rowcount

    def purge_prefix(self, prefix: str, limit: int) -> int:
        """One bounded step."""
        return self.db.execute(
            "DELETE FROM stored WHERE id IN (SELECT id FROM stored WHERE target >= ? AND target < ? LIMIT ?)",
            (prefix, prefix + "\U0010ffff", limit),
        ).rowcount

    def close(self) -> None:
        """With a checkpoint."""
        self.db.close()


class SqliteSnapshot(Sqlite):
    """The same with the reading transaction kept open from one look-up to the next, until something is written."""

    def get(self, key: CacheKey) -> bytes | None:
        """Begins a transaction where none is open."""
        if not self.db.in_transaction:
            self.db.execute("BEGIN")
        return super().get(key)

    def put_many(self, rows: list[Row]) -> None:
        """Ends the reading transaction first."""
        if self.db.in_transaction:
            self.db.execute("COMMIT")
        super().put_many(rows)


class Lmdb:
    """LMDB without any sync: three named databases (values, expiry, targets). A power cut may ruin it."""

    sync = False

    def __init__(self, folder: Path) -> None:
        import lmdb  # noqa: PLC0415 - an engine that lost needs not be installed for the others

        options = {"map_size": 4 << 30, "max_dbs": 3, "sync": self.sync, "metasync": False}
        self.env: Any = lmdb.open(str(folder / "lmdb"), **options)
        self.values, self.expiry, self.targets = (self.env.open_db(name) for name in (b"values", b"expiry", b"targets"))

    def put_many(self, rows: list[Row]) -> None:
        """One transaction; the indexes are kept by hand."""
        with self.env.begin(write=True) as txn:
            for key, value, expires in rows:
                name, moment = key.text.encode("latin-1"), struct.pack(">d", expires)
                txn.put(name, moment + value, db=self.values)
                txn.put(moment + name, b"", db=self.expiry)
                txn.put(key.target.encode("latin-1") + b"\0" + name, moment, db=self.targets)

    def get(self, key: CacheKey) -> bytes | None:
        """The value's bytes."""
        with self.env.begin(db=self.values) as txn:
            value = txn.get(key.text.encode("latin-1"))
            return None if value is None else value[8:]

    def count(self) -> int:
        """How many there are."""
        with self.env.begin() as txn:
            return int(txn.stat(self.values)["entries"])

    def expire(self, now: float, limit: int) -> int:
        """One bounded step. (The target index would have to be cleaned too; left out in its favour.)"""
        bound, gone = struct.pack(">d", now), 0
        with self.env.begin(write=True) as txn, txn.cursor(db=self.expiry) as cursor:
            while gone < limit and cursor.first() and cursor.key()[:8] <= bound:
                txn.delete(cursor.key()[8:], db=self.values)
                cursor.delete()
                gone += 1
        return gone

    def purge_prefix(self, prefix: str, limit: int) -> int:
        """One bounded step."""
        start, gone = prefix.encode(), 0
        with self.env.begin(write=True) as txn, txn.cursor(db=self.targets) as cursor:
            while gone < limit and cursor.set_range(start) and cursor.key().startswith(start):
                name = cursor.key().partition(b"\0")[2]
                txn.delete(name, db=self.values)
                txn.delete(cursor.value() + name, db=self.expiry)
                cursor.delete()
                gone += 1
        return gone

    def close(self) -> None:
        """With a sync."""
        self.env.sync(True)
        self.env.close()


class LmdbSynced(Lmdb):
    """LMDB that survives a power cut as SQLite in WAL mode does: a sync with each commit."""

    sync = True


class Diskcache:
    """diskcache 5.6: SQLite underneath; expiry is built in, prefix purges are not (a tag per entry stands in)."""

    def __init__(self, folder: Path) -> None:
        import diskcache  # noqa: PLC0415 - an engine that lost needs not be installed for the others

        self.cache: Any = diskcache.Cache(str(folder / "diskcache"), size_limit=4 << 30, tag_index=True)

    def put_many(self, rows: list[Row]) -> None:
        """One transaction."""
        with self.cache.transact():
            for key, value, _ in rows:
                self.cache.set(key.text, value, expire=604800, tag=key.target[:19])

    def get(self, key: CacheKey) -> bytes | None:
        """The value's bytes."""
        value = self.cache.get(key.text)
        return None if value is None else bytes(value)

    def count(self) -> int:
        """How many there are."""
        return len(self.cache)

    def expire(self, now: float, limit: int) -> int:
        """Not bounded by the library: it goes on in steps of 100 until nothing is left."""
        del limit
        return int(self.cache.expire(now=now))

    def purge_prefix(self, prefix: str, limit: int) -> int:
        """By tag."""
        del limit
        return int(self.cache.evict(prefix[:19]))

    def close(self) -> None:
        """Closes the connection."""
        self.cache.close()


ENGINES: dict[str, type[Engine]] = {
    "sqlite": Sqlite,
    "sqlite, snapshot kept": SqliteSnapshot,
    "lmdb": Lmdb,
    "lmdb, synced": LmdbSynced,
    "diskcache": Diskcache,
}


def timed(work: Callable[[], object]) -> float:
    """Seconds."""
    begin = time.perf_counter()
    work()
    return time.perf_counter() - begin


def batches(rows: list[Row]) -> Iterator[list[Row]]:
    """Slices of BATCH rows."""
    return (rows[at : at + BATCH] for at in range(0, len(rows), BATCH))


def resident() -> int:
    """Bytes of this process in memory now, mapped file pages included."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def drop_from_page_cache(folder: Path) -> None:
    """Ask the kernel to forget the files (needs no privilege; dirty pages are written first)."""
    for path in folder.rglob("*"):
        if path.is_file():
            handle = os.open(path, os.O_RDONLY)
            os.fsync(handle)
            os.posix_fadvise(handle, 0, 0, os.POSIX_FADV_DONTNEED)
            os.close(handle)


def start(name: str, folder: Path, number: int) -> dict[str, float]:
    """In a new process: open, learn how many there are, read one answer; and what it costs in resident memory."""
    before = resident()
    begin = time.perf_counter()
    engine = ENGINES[name](folder)
    value = engine.get(key_of(number))
    assert value is not None
    assert isinstance(decode(value, key_of(number)), StoredResponse)
    first = time.perf_counter() - begin
    engine.count()
    counted = time.perf_counter() - begin
    for other in range(0, number, 2):
        engine.get(key_of(other))
    grown = resident() - before
    return {"first_ms": first * 1e3, "counted_ms": counted * 1e3, "rss_mb": grown / 2**20}


def measure(name: str, folder: Path, rows: list[Row]) -> dict[str, float]:
    """Everything about one engine."""
    engine = ENGINES[name](folder)
    writes = [timed(lambda part=part: engine.put_many(part)) for part in batches(rows)]
    singles = [timed(lambda row=row: engine.put_many([row])) for row in rows[:2000]]
    order = random.Random(1).sample(  # noqa: S311 - an order to read in, no secret
        range(len(rows)), min(20_000, len(rows))
    )
    reads = [timed(lambda number=number: engine.get(key_of(number))) for number in order]
    whole = [timed(lambda number=number: decode(engine.get(key_of(number)) or b"", key_of(number))) for number in order]
    missing = [timed(lambda number=number: engine.get(CacheKey(f"no:{number}", "/"))) for number in order[:5000]]
    size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    engine.close()
    drop_from_page_cache(folder)
    command = [sys.executable, __file__, "--start", name, "--folder", str(folder), "--entries", str(len(rows))]
    starts = []
    for _ in range(3):
        drop_from_page_cache(folder)
        starts.append(json.loads(subprocess.run(command, check=True, capture_output=True).stdout))
    engine = ENGINES[name](folder)
    purged = [
        timed(lambda: engine.purge_prefix("/obtener-ruc/000000", 200)) for _ in range(1 if name == "diskcache" else 5)
    ]
    expired = [timed(lambda: engine.expire(NOW + len(rows) / 2, 200)) for _ in range(1 if name == "diskcache" else 20)]
    engine.close()
    micro = 1e6
    return {
        "put in a batch of 64, per entry (µs)": statistics.median(writes) / BATCH * micro,
        "put in a batch of 64, slowest batch (ms)": max(writes) * 1e3,
        "put alone (µs)": statistics.median(singles) * micro,
        "get (µs)": statistics.median(reads) * micro,
        "get, p99 (µs)": statistics.quantiles(reads, n=100)[98] * micro,
        "get and decode (µs)": statistics.median(whole) * micro,
        "get of nothing (µs)": statistics.median(missing) * micro,
        "on disk (MB)": size / 2**20,
        "cold start to first answer (ms)": statistics.median(one["first_ms"] for one in starts),
        "cold start, count included (ms)": statistics.median(one["counted_ms"] for one in starts),
        "resident memory after reading half (MB)": statistics.median(one["rss_mb"] for one in starts),
        "prefix purge, 200 entries (ms)": statistics.median(purged) * 1e3,
        "expiry, 200 entries (ms)": statistics.median(expired) * 1e3,
    }


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--entries", type=int, default=100_000)
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--start", choices=ENGINES)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    if options.start:
        print(json.dumps(start(options.start, options.folder, options.entries - 1)))
        return
    rows = [(key_of(number), encode(key_of(number), answer(number)), NOW + number) for number in range(options.entries)]
    results: dict[str, dict[str, float]] = {}
    for name in ENGINES:
        package = name.split(",")[0]
        if package != "sqlite" and importlib.util.find_spec(package) is None:
            print(f"{name}: left out, {package} is not installed", file=sys.stderr)
            continue
        folder = Path(tempfile.mkdtemp(prefix=f"tambo-{name.split(',')[0]}-", dir=options.folder))
        try:
            results[name] = measure(name, folder, rows)
        finally:
            shutil.rmtree(folder)
    if options.json:
        print(json.dumps(results, indent=1))
        return
    print("| | " + " | ".join(results) + " |\n|---|" + "---|" * len(results))
    for line in results["sqlite"]:
        print(f"| {line} | " + " | ".join(f"{results[name][line]:.1f}" for name in results) + " |")


if __name__ == "__main__":
    main()
