"""The ledger's file in the middle of things: who gives up waiting, and what is closed meanwhile."""

import asyncio
import sqlite3
from pathlib import Path

import pytest

from proxy.errors import StoreUnavailable
from proxy.exchange.ledger import MOST_NAMES
from proxy.store.disk_ledger import DiskLedger
from tests.support.clock import FakeClock


async def test_what_is_given_up_on_is_finished_before_the_file_is_closed(tmp_path: Path) -> None:
    """A connection that is closed while another thread works with it takes the process with it."""
    file = tmp_path / "jobs.sqlite"
    ledger = DiskLedger(file, FakeClock())
    await ledger.write("a", b"1", 60)
    other = sqlite3.connect(file, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    writing = asyncio.ensure_future(ledger.write("b", b"2", 60))
    await asyncio.sleep(0.05)
    writing.cancel()
    await asyncio.gather(writing, return_exceptions=True)
    closing = asyncio.ensure_future(ledger.close())
    await asyncio.sleep(0.05)
    assert not closing.done(), "it waits for the work that nobody waits for"
    other.execute("COMMIT")
    await closing
    assert [row[0] for row in other.execute("SELECT name FROM ledger ORDER BY name")] == ["a", "b"]
    other.close()
    with pytest.raises(StoreUnavailable):
        await ledger.read("a")
    await ledger.close()


async def test_of_very_many_names_the_newest_are_told(tmp_path: Path) -> None:
    ledger = DiskLedger(tmp_path / "jobs.sqlite", FakeClock())
    for number in range(MOST_NAMES + 3):
        await ledger.write(f"n:{number:06}", b"", 60)
    names = await ledger.names("n:")
    assert (len(names), names[0], names[-1]) == (MOST_NAMES, "n:000003", f"n:{MOST_NAMES + 2:06}")
    await ledger.close()
