"""Every row of the tables against one running Tambo with the documented profile; each row is a test of its own."""

import asyncio
import contextlib
import os
import re
import socket
import sys
from pathlib import Path

import pytest

from proxy.config.load import load
from tests.conformance.known import KNOWN
from tests.conformance.play import play_all
from tests.conformance.rows import ROWS
from tests.conformance.scenario import Row, Section, behind, changed, check304, hit, put, stands_in
from tests.conformance.wire import Message, exchange
from tests.support.redis_server import free_port

PROFILE = Path(__file__).parents[2] / "conformance.toml"

pytestmark = pytest.mark.integration

HOUR = "Cache-Control: max-age=3600"
WRONG: list[Row] = []
"""Rows that expect what no cache does: that the judge says so shows that the others can fail."""
wrong = Section("wrong", WRONG)
wrong.check("cached", put("Cache-Control: no-store"), hit())
wrong.check("forwarded", put(HOUR), put())
wrong.check("validated", put(HOUR, 'ETag: "a"'), check304())
wrong.check("changed", put(), changed())
wrong.check("without a condition", put("Cache-Control: no-cache", 'ETag: "a"'), put())
wrong.check("refreshed", put("Cache-Control: no-store"), behind(HOUR))
wrong.check("stood in", put("Cache-Control: no-store"), stands_in())
wrong.check("status", put(HOUR), hit(status=201))
wrong.check("body", put(HOUR), hit(body=b"another"))
wrong.check("another step's body", put(HOUR), put(HOUR, at="?a"), hit(of=1))
wrong.check("a field that is there", put(HOUR, lacks=("Via",)))
wrong.check("a field that is not", put(HOUR, has=("X-None",)))
wrong.check("a field's value", put("X-A: 1", has=("X-A: 2",)))
wrong.check("what the origin saw", put(sent=("X-None",)))
wrong.check("what the origin did not see", put(unsent=("Via",)))
wrong.check("interim", put(interim=(103,)))
wrong.check("how often", put(asked=2))
wrong.check("cut", put(complete=False))


@pytest.fixture(scope="session")
def results(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str | None]:
    """What was wrong with each row that was asked for; all are played at once, before the first test."""
    calls = [getattr(item, "callspec", None) for item in request.session.items]
    rows = [call.params["row"] for call in calls if call is not None and isinstance(call.params.get("row"), Row)]
    return asyncio.run(play_all([*rows, *WRONG], PROFILE, tmp_path_factory.mktemp("conformance")))


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.id)
def test_row(row: Row, results: dict[str, str | None]) -> None:
    problem, known = results[row.id], KNOWN.get(row.id)
    if problem is not None and known is not None:
        pytest.xfail(f"{known}: {problem}")
    if problem is not None:
        pytest.fail(problem, pytrace=False)
    assert known is None, "a known failure that holds now: take it off the list"


@pytest.mark.parametrize("row", WRONG, ids=lambda row: row.id)
def test_a_wrong_row_is_seen(row: Row, results: dict[str, str | None]) -> None:
    assert results[row.id] is not None


async def test_the_profile_runs_as_it_is_documented(tmp_path: Path) -> None:
    """Twice in a row, with another Tambo's admin listener on the port that is the default one's."""
    with contextlib.ExitStack() as stack:
        with contextlib.suppress(OSError):  # then it is taken by whoever is there
            stack.enter_context(socket.create_server(("127.0.0.1", 8081)))
        for _ in range(2):
            await run_profile(tmp_path)


async def run_profile(tmp_path: Path) -> None:
    port = free_port()
    environ = {"UPSTREAM_URL": "http://127.0.0.1:1", "PORT": str(port), "TMPDIR": str(tmp_path)}
    tambo = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "proxy", "run", "--config", "conformance.toml"),
        cwd=PROFILE.parent,
        env=environ | {"PATH": os.environ["PATH"]},
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        async with asyncio.timeout(60):
            while (got := await asked(port)) is None:
                await asyncio.sleep(0.05)
    finally:
        tambo.terminate()
        _, said = await tambo.communicate()
    assert got.status == 502
    assert (tmp_path / "tambo-conformance").is_dir()
    assert b"error" not in said.lower(), said


async def asked(port: int) -> Message | None:
    """What it answers to a request; None while it does not listen."""
    try:
        return await exchange(port, b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", "GET", b"")
    except ConnectionError:
        return None


def test_the_profile_raises_no_warning() -> None:
    assert load({"UPSTREAM_URL": "http://127.0.0.1:1"}, file=str(PROFILE)).warnings == ()


def test_the_tables_are_whole() -> None:
    ids = [row.id for row in ROWS]
    assert len(ids) == len(set(ids)), sorted({one for one in ids if ids.count(one) > 1})
    assert set(KNOWN) <= set(ids), set(KNOWN) - set(ids)
    assert len(ids) >= 250


def test_the_document_names_every_table() -> None:
    text = (PROFILE.parent / "docs" / "conformance.md").read_text()
    tables = {path.stem for path in (Path(__file__).parent / "rows").glob("[!_]*.py")}
    cells = [line.rpartition("|")[0].rpartition("|")[2] for line in text.splitlines() if line.startswith("| ")]
    assert tables <= {name for cell in cells for name in re.findall(r"`(\w+)`", cell)}
