"""The embedded file in trouble and under pressure: full, damaged, foreign, locked, unusable; and how it is swept."""

import asyncio
import contextlib
import logging
import os
import sqlite3
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from proxy.clock import SystemClock
from proxy.errors import ConfigError, StoreUnavailable, SupersededError
from proxy.exchange.entry_ids import entry_id
from proxy.exchange.purges import Purge, PurgeKind, PurgeMode
from proxy.store.codec import BadEntry
from proxy.store.company import Nobody
from proxy.store.disk import DiskStore
from proxy.store.disk_folder import FILE_NAME
from tests.support.builders import a_key, a_stored
from tests.support.clock import FakeClock

MIB = 1024 * 1024


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
async def disk(tmp_path: Path, clock: FakeClock) -> AsyncIterator[DiskStore]:
    store = DiskStore(tmp_path, clock, capacity=4 * MIB)
    await store.open()
    yield store
    await store.close()


async def _put(store: DiskStore, number: int, size: int = 1000, keep_for: float = 60) -> None:
    text = f"/{number}"
    await store.put(a_key(text), a_stored(os.urandom(size), target=text), keep_for)


async def _is_there(store: DiskStore, number: int) -> bool:
    return bool((await store.get(a_key(f"/{number}"))).variants)


def _set_aside(folder: Path) -> list[Path]:
    return [path for path in folder.glob("*.unreadable-*") if not path.name.endswith(("-wal", "-shm"))]


def _bytes_in(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.iterdir())


async def _settle(store: DiskStore) -> None:
    """Wait until everything handed over so far is written."""
    await store.remove(a_key("/never"))


async def _settle_whatever_comes(store: DiskStore) -> None:
    with contextlib.suppress(StoreUnavailable):
        await _settle(store)


async def _read_all(store: DiskStore, count: int) -> None:
    for number in range(count):
        await store.get(a_key(f"/{number}"))


async def _sweep(store: DiskStore) -> int:
    changed = 0
    while True:
        swept = await store.sweep()
        changed += swept.changed
        if not swept.more:
            return changed


async def test_fences_may_all_be_from_before_a_clock_was_set_back(tmp_path: Path, clock: FakeClock) -> None:
    """Who gives them goes on by its own time: among these the higher one is the later fetch."""
    for body, seconds in ((b"old", 1800), (b"late", 1700)):
        disk = DiskStore(tmp_path, clock)
        await disk.open()
        await disk.put(a_key("/1"), a_stored(body, fence=int((clock.now() + seconds) * 1e6)), 60)
        await disk.close()
    disk = DiskStore(tmp_path, clock)
    await disk.open()
    try:
        assert [found.body for found in (await disk.get(a_key("/1"))).variants] == [b"old"]
    finally:
        await disk.close()


# A file of before ----------------------------------------------------------------------------------------------------


async def test_a_file_of_the_version_before_is_gone_on_with(disk: DiskStore, tmp_path: Path, clock: FakeClock) -> None:
    """It did not note fences: what was stored then gives way to every fetch."""
    await _put(disk, 1)
    await disk.close()
    with contextlib.closing(sqlite3.connect(tmp_path / FILE_NAME)) as db:
        db.executescript("ALTER TABLE stored DROP COLUMN fence; ALTER TABLE purges DROP COLUMN who;")
        db.executescript("PRAGMA user_version = 3;")
    newer = DiskStore(tmp_path, clock)
    await newer.open()
    try:
        await _put(newer, 2)
        assert [await _is_there(newer, number) for number in (1, 2)] == [True, True]
        await newer.put(a_key("/1"), a_stored(b"newer", fence=1), 60)
        (found,) = (await newer.get(a_key("/1"))).variants
        assert found.body == b"newer"
    finally:
        await newer.close()


async def test_a_file_of_the_version_before_the_last_is_too(disk: DiskStore, tmp_path: Path, clock: FakeClock) -> None:
    """It did not note who purged."""
    await _put(disk, 1)
    await disk.log_purge(Purge(PurgeKind.PREFIX, "/never", PurgeMode.HARD), "me")
    await disk.close()
    with contextlib.closing(sqlite3.connect(tmp_path / FILE_NAME)) as db:
        db.executescript("ALTER TABLE purges DROP COLUMN who; PRAGMA user_version = 4;")
    newer = DiskStore(tmp_path, clock)
    await newer.open()
    try:
        assert await _is_there(newer, 1)
        assert [logged.by for logged in await newer.purges_after(0)] == [""]
    finally:
        await newer.close()


# Bounds --------------------------------------------------------------------------------------------------------------


async def test_the_folder_stays_within_its_bytes_and_the_first_to_expire_leaves(
    disk: DiskStore, tmp_path: Path
) -> None:
    for number in range(3000):
        await _put(disk, number, size=3000, keep_for=100 + number)
    await _settle(disk)
    assert _bytes_in(tmp_path) <= 4 * MIB
    assert await _is_there(disk, 2999)
    assert not await _is_there(disk, 0)
    assert disk.stats.entries > 500
    assert disk.stats.evictions == 3000 - disk.stats.entries
    assert 2 * MIB < disk.stats.bytes <= 4 * MIB


async def test_what_would_take_half_the_room_is_left_out(disk: DiskStore) -> None:
    await _put(disk, 1)
    await _put(disk, 2, size=3 * MIB)
    await _settle(disk)
    assert await _is_there(disk, 1)
    assert not await _is_there(disk, 2)


async def test_an_old_answer_does_not_stay_where_a_new_one_was_too_large(disk: DiskStore) -> None:
    await _put(disk, 1)
    await _put(disk, 1, size=3 * MIB)
    await _settle(disk)
    assert not await _is_there(disk, 1)


async def test_a_smaller_capacity_holds_after_a_restart(disk: DiskStore, tmp_path: Path, clock: FakeClock) -> None:
    for number in range(800):
        await _put(disk, number, size=3000)
    await disk.close()
    smaller = DiskStore(tmp_path, clock, capacity=MIB)
    await smaller.open()
    try:
        while (await smaller.sweep()).more:
            pass
        assert smaller.stats.bytes <= MIB
        assert 0 < smaller.stats.entries < 400
    finally:
        await smaller.close()
    assert (tmp_path / FILE_NAME).stat().st_size <= 2 * MIB


async def test_what_expired_is_not_given_and_is_removed_in_steps(disk: DiskStore, clock: FakeClock) -> None:
    for number in range(450):
        await _put(disk, number, keep_for=10)
    await _put(disk, 1000, keep_for=20)
    await _settle(disk)
    clock.advance(10)
    assert not await _is_there(disk, 1)
    first = await disk.sweep()
    assert (first.changed, first.more) == (200, True)
    assert await _sweep(disk) == 250
    assert disk.stats.entries == 1
    assert await _is_there(disk, 1000)


# Purges --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", PurgeMode)
@pytest.mark.parametrize("kind", [PurgeKind.PREFIX, PurgeKind.ALL])
async def test_a_wide_purge_is_carried_out_in_steps(disk: DiskStore, kind: PurgeKind, mode: PurgeMode) -> None:
    for number in range(500):
        await _put(disk, number)
    purge = Purge(kind, "/" if kind is PurgeKind.PREFIX else "", mode)
    position = await disk.log_purge(purge)
    first = await disk.sweep()
    assert (first.changed, first.more) == (200, True)
    assert first.carried_out < position
    assert await _sweep(disk) == 300
    found = [stored for number in range(500) for stored in (await disk.get(a_key(f"/{number}"))).variants]
    assert [stored.is_ended for stored in found] == ([True] * 500 if mode is PurgeMode.SOFT else [])
    assert disk.stats.entries == len(found)


async def test_a_purge_half_carried_out_goes_on_after_a_restart(
    disk: DiskStore, tmp_path: Path, clock: FakeClock
) -> None:
    for number in range(500):
        await _put(disk, number)
    position = await disk.log_purge(Purge(PurgeKind.PREFIX, "/", PurgeMode.SOFT))
    await disk.sweep()
    await disk.close()
    again = DiskStore(tmp_path, clock)
    await again.open()
    try:
        while (swept := await again.sweep()).more:
            pass
        assert swept.carried_out == position
        found = [stored for number in range(500) for stored in (await again.get(a_key(f"/{number}"))).variants]
        assert [stored.is_ended for stored in found] == [True] * 500
    finally:
        await again.close()


async def test_purging_everything_gives_the_disk_back(disk: DiskStore, tmp_path: Path) -> None:
    for number in range(1000):
        await _put(disk, number, size=3000)
    await disk.log_purge(Purge(PurgeKind.ALL, "", PurgeMode.HARD))
    await _sweep(disk)
    await disk.close()
    assert (tmp_path / FILE_NAME).stat().st_size < 2 * MIB


@pytest.mark.parametrize("mode", PurgeMode)
@pytest.mark.parametrize(
    ("kind", "argument", "is_met"),
    [
        (PurgeKind.URL, "/7", True),
        (PurgeKind.URL, "/8", False),
        (PurgeKind.PREFIX, "/", True),
        (PurgeKind.PREFIX, "/70", False),
        (PurgeKind.PATTERN, "/*", True),
        (PurgeKind.PATTERN, "/*x", False),
        (PurgeKind.TAG, "seven", True),
        (PurgeKind.TAG, "eight", False),
        (PurgeKind.ROUTE, "some", True),
        (PurgeKind.ROUTE, "other", False),
        (PurgeKind.ENTRY, entry_id(a_key("/7").text, ()), True),
        (PurgeKind.ALL, "", True),
    ],
)
async def test_what_was_fetched_before_a_purge_and_comes_after_it_was_carried_out_is_purged_all_the_same(
    tmp_path: Path, clock: FakeClock, kind: PurgeKind, argument: str, mode: PurgeMode, *, is_met: bool
) -> None:
    """Another process logs and carries out a purge while a response is on its way to the file."""
    disk, other = (DiskStore(tmp_path, clock, capacity=4 * MIB, company=Nobody()) for _ in range(2))
    await disk.open()
    await other.open()
    before = await other.log_purge(Purge(PurgeKind.URL, "/never", mode))
    await disk.purges_after(0)
    await _put(other, 9)
    await other.log_purge(Purge(kind, argument, mode))
    await _sweep(other)
    late = a_stored(b"old", target="/7", tags=("seven",), route="some", position=before)
    is_purged = is_met and mode is PurgeMode.HARD
    with pytest.raises(SupersededError) if is_purged else contextlib.nullcontext():
        await disk.put(a_key("/7"), late, 60)
    for each in (disk, other):
        assert [found.is_ended for found in (await each.get(a_key("/7"))).variants] == ([] if is_purged else [is_met])
        await each.close()


async def test_positions_go_on_where_a_lost_file_may_have_been(disk: DiskStore, tmp_path: Path) -> None:
    before = await disk.log_purge(Purge(PurgeKind.ALL, "", PurgeMode.SOFT))
    await disk.close()
    (tmp_path / FILE_NAME).unlink()
    clock = FakeClock()
    clock.advance(3600)
    anew = DiskStore(tmp_path, clock)
    await anew.open()
    try:
        assert await anew.log_purge(Purge(PurgeKind.ALL, "", PurgeMode.SOFT)) > before
    finally:
        await anew.close()


# Trouble -------------------------------------------------------------------------------------------------------------


async def test_a_second_holder_is_refused_by_name_and_told_what_to_do(
    disk: DiskStore, tmp_path: Path, clock: FakeClock
) -> None:
    second = DiskStore(tmp_path, clock)
    with pytest.raises(ConfigError) as refused:
        await second.open()
    message = str(refused.value)
    assert str(tmp_path) in message
    assert str(os.getpid()) in message
    assert "DATA_DIR" in message
    await second.close()
    await _put(disk, 1)
    assert await _is_there(disk, 1)


async def test_the_folder_is_free_again_after_close(disk: DiskStore, tmp_path: Path, clock: FakeClock) -> None:
    await disk.close()
    second = DiskStore(tmp_path, clock)
    await second.open()
    await second.close()


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"this is not a database, whatever its name says" * 100, id="no database"),
        pytest.param(b"", id="empty"),
        pytest.param(b"SQLite format 3\0" + b"\xff" * 5000, id="a ruined header"),
    ],
)
async def test_a_file_that_cannot_be_read_is_set_aside(
    tmp_path: Path, clock: FakeClock, caplog: pytest.LogCaptureFixture, content: bytes
) -> None:
    (tmp_path / FILE_NAME).write_bytes(content)
    store = DiskStore(tmp_path, clock)
    with caplog.at_level(logging.ERROR, logger="tambo.store"):
        await store.open()
    await _put(store, 1)
    assert await _is_there(store, 1)
    assert store.is_up
    await store.close()
    assert [path.read_bytes() for path in _set_aside(tmp_path)] == [content] * bool(content)
    assert bool(content) == ("set aside" in caplog.text)


async def test_another_programs_database_is_set_aside_whole(tmp_path: Path, clock: FakeClock) -> None:
    with sqlite3.connect(tmp_path / FILE_NAME) as db:
        db.execute("CREATE TABLE theirs (what TEXT)")
        db.execute("INSERT INTO theirs VALUES ('precious')")
    db.close()
    store = DiskStore(tmp_path, clock)
    await store.open()
    await store.close()
    (aside,) = _set_aside(tmp_path)
    db = sqlite3.connect(aside)
    assert db.execute("SELECT what FROM theirs").fetchone() == ("precious",)
    db.close()


async def test_a_file_that_turns_bad_while_in_use_is_replaced_by_the_next_sweep(
    disk: DiskStore, tmp_path: Path, clock: FakeClock
) -> None:
    for number in range(500):
        await _put(disk, number)
    await disk.close()
    whole = (tmp_path / FILE_NAME).read_bytes()
    (tmp_path / FILE_NAME).write_bytes(whole[:8192] + b"\xa5" * (len(whole) - 8192))
    store = DiskStore(tmp_path, clock)
    await store.open()
    try:
        with pytest.raises(StoreUnavailable):
            await _read_all(store, 500)
        assert not store.is_up
        await store.sweep()
        clock.advance(2)
        await _put(store, 1)
        assert await _is_there(store, 1)
        assert store.is_up
        assert _set_aside(tmp_path)
    finally:
        await store.close()


async def test_a_value_that_is_bad_is_missing_counted_and_removed(disk: DiskStore, tmp_path: Path) -> None:
    await _put(disk, 1)
    await _put(disk, 2)
    await _settle(disk)
    db = sqlite3.connect(tmp_path / FILE_NAME)
    db.execute("UPDATE stored SET value = (SELECT value FROM stored WHERE key = ?) WHERE key = ?", (b"/2", b"/1"))
    db.commit()
    assert not await _is_there(disk, 1)
    assert disk.stats.bad_entries == {BadEntry.KEY: 1}
    await _settle(disk)
    assert db.execute("SELECT count(*) FROM stored").fetchone() == (1,)
    db.close()


async def test_a_folder_that_cannot_be_used_is_told_once_and_tried_again(
    tmp_path: Path, clock: FakeClock, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").write_text("in the way")
    store = DiskStore(tmp_path / "file" / "data", clock)
    with caplog.at_level(logging.INFO, logger="tambo.store"):
        await store.open()
        for attempt in range(3):
            with pytest.raises(StoreUnavailable):
                await _put(store, attempt)
            with pytest.raises(StoreUnavailable):
                await store.get(a_key())
            with pytest.raises(StoreUnavailable):
                await store.log_purge(Purge(PurgeKind.ALL, "", PurgeMode.HARD))
            with pytest.raises(StoreUnavailable):
                await store.sweep()
        assert not store.is_up
        (tmp_path / "file").unlink()
        await store.sweep()
        assert store.is_up
        clock.advance(10.0)
        await store.sweep()
    await _put(store, 1)
    assert await _is_there(store, 1)
    await store.close()
    assert [record.levelname for record in caplog.records] == ["ERROR", "INFO"]


async def test_a_full_disk_is_unavailable_and_over_when_there_is_room(disk: DiskStore, clock: FakeClock) -> None:
    await _put(disk, 1)
    await _settle(disk)
    assert disk._handle.writer is not None
    await disk._write("test", lambda file: file._db.execute("PRAGMA max_page_count = 1"))
    await _put(disk, 2, size=50_000)
    await _settle_whatever_comes(disk)
    with pytest.raises(StoreUnavailable):
        await _put(disk, 3)
    assert not disk.is_up
    assert await _is_there(disk, 1)
    with pytest.raises(StoreUnavailable):
        await disk.log_purge(Purge(PurgeKind.PREFIX, "/" * 100_000, PurgeMode.HARD))
    await asyncio.to_thread(disk._handle.writer._db.execute, "PRAGMA max_page_count = 100000")
    clock.advance(1.5)
    await _put(disk, 7)
    assert await _is_there(disk, 7)
    assert disk.is_up


async def test_a_disk_that_takes_some_writes_and_refuses_others_is_told_of_once(
    disk: DiskStore, clock: FakeClock, caplog: pytest.LogCaptureFixture
) -> None:
    assert disk._handle.writer is not None
    with caplog.at_level(logging.INFO, logger="tambo.store"):
        for _ in range(5):
            with pytest.raises(StoreUnavailable):
                await disk._write("test", lambda file: file._db.execute("no such statement"))
            assert not disk.is_up
            clock.advance(1.5)
            await disk.sweep()
            assert disk.is_up
        assert [record.levelname for record in caplog.records] == ["ERROR"]
        clock.advance(10.0)
        await disk.sweep()
    assert [record.levelname for record in caplog.records] == ["ERROR", "INFO"]


async def test_text_that_no_encoding_has_is_refused_without_harm(disk: DiskStore) -> None:
    key = a_key("/\ud800")
    with pytest.raises(StoreUnavailable):
        await disk.put(key, a_stored(), 60)
    assert list((await disk.get(key)).variants) == []
    assert await disk.remove(key) == 0


# Being killed --------------------------------------------------------------------------------------------------------

WRITER = """
import asyncio, sys
from pathlib import Path
from proxy.clock import SystemClock
from proxy.exchange.purges import Purge, PurgeKind, PurgeMode
from proxy.store.disk import DiskStore
from tests.support.builders import a_key, a_stored

async def main():
    store = DiskStore(Path(sys.argv[1]), SystemClock())
    await store.open()
    number = 0
    while True:
        for number in range(number, number + 50):
            text = f"/{number}"
            await store.put(a_key(text), a_stored(b"%d." % number * 300, target=text), 3600)
        number += 1
        await store.remove(a_key("/never"))
        await store.log_purge(Purge(PurgeKind.URL, f"/purged/{number}", PurgeMode.HARD))
        print(number, flush=True)

asyncio.run(main())
"""


def _write_until_killed(folder: Path) -> int:
    """The last number that the writer said was written."""
    command = [sys.executable, "-c", WRITER, str(folder)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=Path(__file__).parents[3]) as process:
        assert process.stdout is not None
        written = 0
        while written < 2000:
            written = int(process.stdout.readline())
        process.kill()
        return [written, *map(int, process.stdout.read().split())][-1]


@pytest.mark.integration
async def test_a_killed_writer_leaves_a_whole_file_with_all_that_was_committed(tmp_path: Path) -> None:
    for _ in range(4):
        written = await asyncio.to_thread(_write_until_killed, tmp_path)
        store = DiskStore(tmp_path, SystemClock())
        await store.open()
        try:
            assert not _set_aside(tmp_path)
            for number in range(written):
                (stored,) = (await store.get(a_key(f"/{number}"))).variants
                assert stored.body == b"%d." % number * 300
            purged = {logged.purge.argument for logged in await store.purges_after(0)}
            assert f"/purged/{written}" in purged
        finally:
            await store.close()
        db = sqlite3.connect(tmp_path / FILE_NAME)
        assert db.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        db.close()
