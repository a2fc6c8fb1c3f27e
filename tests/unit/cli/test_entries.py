"""``tambo entries`` against an admin listener over a real file."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp.test_utils import TestServer

from proxy.edge.admin.app import make_admin_app
from proxy.exchange.purges import Purge, Purged
from proxy.store.disk import DiskStore
from proxy.store.memory import Memory
from proxy.store.tiered import TieredStore
from tests.support.builders import a_key, a_stored, fields
from tests.support.clock import FakeClock
from tests.unit.cli.conftest import Tambo, Transcript
from tests.unit.edge.admin.test_entries import Desk


class Shell:
    """Calls ``tambo entries`` in a thread of its own, as it blocks."""

    def __init__(self, tambo: Tambo, store: TieredStore) -> None:
        self._tambo = tambo
        self.store = store

    async def __call__(self, *arguments: str) -> Transcript:
        return await asyncio.to_thread(self._tambo, "entries", *arguments)


@pytest.fixture
async def shell(tambo: Tambo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Shell]:
    clock = FakeClock()
    store = TieredStore(Memory(1_000_000, clock), DiskStore(tmp_path / "data", clock), clock)
    await store.open()
    server = TestServer(make_admin_app(Desk(store, clock).parts))
    await server.start_server()
    monkeypatch.setenv("ADMIN_PORT", str(server.port))
    yield Shell(tambo, store)
    await server.close()
    await store.close()


async def _fill(shell: Shell, count: int = 3) -> None:
    for number in range(count):
        head = fields({"Content-Type": "application/json", "Set-Cookie": "id=s3cret"})
        stored = a_stored(target=f"/n/{number}", tags=("t",), cost=2.5, fields=head)
        await shell.store.put(a_key(f"/n/{number}"), stored, 60)


async def test_a_table(shell: Shell) -> None:
    await _fill(shell)
    said = await shell("ls")
    assert (said.code, said.err) == (0, "")
    head, *rows = said.out.splitlines()
    assert head.split() == ["TARGET", "STATUS", "STATE", "AGE", "SIZE", "COST", "ROUTE", "VARIES", "BY", "ID"]
    assert sorted(row.split()[0] for row in rows) == ["/n/0", "/n/1", "/n/2"]
    assert rows[0].split()[1:8] == ["200", "fresh", "0s", "7B", "2.50", "s", "default"]


async def test_many_as_json_a_line_each(shell: Shell) -> None:
    await _fill(shell, 450)
    said = await shell("ls", "--json", "--limit", "0", "--prefix", "/n/")
    assert said.code == 0
    targets = [json.loads(line)["target"] for line in said.out.splitlines()]
    assert sorted(targets) == sorted(f"/n/{number}" for number in range(450))


async def test_it_says_when_there_are_more(shell: Shell) -> None:
    await _fill(shell, 5)
    said = await shell("ls", "--json", "--limit", "4")
    assert (said.code, len(said.out.splitlines())) == (0, 4)
    assert "there are more than these 4; --limit 0 lists all" in said.err
    assert (await shell("ls", "--json", "--limit", "5")).err == ""


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["/n/1"], 0),
        (["/none"], 4),
        (["--tag", "t"], 0),
        (["--tag", "none"], 4),
        (["--pattern", "/*/2"], 0),
        (["--route", "default"], 0),
        (["--route", "none"], 1),
        (["/n/1", "--tag", "t"], 2),
        (["--limit", "-1"], 2),
        (["--limit", "x"], 2),
        (["--admin", "nonsense"], 1),
    ],
)
async def test_exit_codes(shell: Shell, arguments: list[str], code: int) -> None:
    await _fill(shell)
    said = await shell("ls", *arguments)
    assert said.code == code
    assert (said.out != "") == (code == 0)
    assert (said.err != "") == (code != 0)


async def test_show_and_rm(shell: Shell) -> None:
    await _fill(shell)
    (line,) = (await shell("ls", "/n/1", "--json")).out.splitlines()
    entry = json.loads(line)["id"]
    said = await shell("show", entry)
    assert said.code == 0
    assert "target:    /n/1\n" in said.out
    assert '\n200 OK\nContent-Type: application/json\nSet-Cookie: ********\n\n{\n  "a": 1\n}\n' in said.out
    assert json.loads((await shell("show", entry, "--json")).out)["id"] == entry
    assert (await shell("rm", entry)).out == f"Removed {entry}.\n"
    for verb in ("show", "rm"):
        gone = await shell(verb, entry)
        assert (gone.code, gone.out) == (4, "")
        assert "no entry is stored under this id" in gone.err
    assert (await shell("ls", "/n/1")).code == 4


async def test_rm_of_several_does_what_it_can(shell: Shell) -> None:
    await _fill(shell, 2)
    first, second = (json.loads(line)["id"] for line in (await shell("ls", "--json")).out.splitlines())
    said = await shell("rm", first, "nonsense", second)
    assert said.code == 0
    assert said.out == f"Removed {first}.\nRemoved {second}.\n"
    assert "nonsense" in said.err
    assert (await shell("rm")).code == 2


async def test_rm_that_not_everyone_confirmed(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    await _fill(shell, 2)
    first, second = (json.loads(line)["id"] for line in (await shell("ls", "--json")).out.splitlines())
    purge = TieredStore.purge

    async def doubted(store: TieredStore, wanted: Purge, by: str = "") -> Purged:
        purged = await purge(store, wanted, by)
        return Purged(purged.count, purged.position, ("host-b:7",) if wanted.argument == first else ())

    monkeypatch.setattr(TieredStore, "purge", doubted)
    said = await shell("rm", first, second)
    assert (said.code, said.out) == (1, f"Removed {first}.\nRemoved {second}.\n")
    assert said.err.startswith(f"tambo: entries rm: {first}: carried out, but not confirmed by host-b:7: ")
    assert said.err.count("\n") == 1
