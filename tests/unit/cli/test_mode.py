"""``tambo mode`` against a real admin listener."""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest
from aiohttp.test_utils import TestServer

from proxy.edge.admin.access import Gate
from proxy.edge.admin.app import make_admin_app
from tests.unit.cli.conftest import Tambo, Transcript
from tests.unit.cli.test_purge import PurgeBook, parts


@dataclass
class Desk:
    """A listener, and the command line."""

    switch: object
    call: Tambo

    async def tambo(self, *arguments: str) -> Transcript:
        return await asyncio.to_thread(self.call, "mode", *arguments)


@pytest.fixture
async def desk(tambo: Tambo, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Desk]:
    made = parts(PurgeBook(), Gate(token="s3cret", on_loopback=True))
    server = TestServer(make_admin_app(made))
    await server.start_server()
    monkeypatch.setenv("ADMIN_PORT", str(server.port))
    monkeypatch.setenv("ADMIN_TOKEN", "s3cret")
    yield Desk(made.switch, tambo)
    await server.close()


async def test_there_and_back(desk: Desk) -> None:
    normal = "normal: stored answers are served, and fetched where they are missing\n"
    offline = "offline: answers of any age are served, and nothing is fetched"
    assert await desk.tambo() == Transcript(0, normal, "")
    assert await desk.tambo("offline", "--for", "90m") == Transcript(0, f"{offline} (for 1h30m more)\n", "")
    assert await desk.tambo("offline") == Transcript(0, f"{offline}\n", "")
    assert json.loads((await desk.tambo("bypass", "--for", "5s", "--json")).out) == {
        "mode": "bypass",
        "seconds_left": 5,
    }
    assert await desk.tambo("normal") == Transcript(0, normal, "")


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (("ofline",), "tambo: mode: there is no mode 'ofline'; did you mean 'offline'?\n"),
        (("--for", "5m"), "tambo: mode: --for says how long offline or bypass lasts\n"),
        (("normal", "--for", "5m"), "tambo: mode: --for says how long offline or bypass lasts\n"),
        (("offline", "--for", "soon"), "tambo: mode: --for 'soon' must be a duration above 0, as in --for 30m\n"),
    ],
)
def test_wrong_words(tambo: Tambo, arguments: tuple[str, ...], problem: str) -> None:
    assert tambo("mode", *arguments) == Transcript(2, "", problem)


def test_nobody_there(tambo: Tambo) -> None:
    said = tambo("mode", "--admin", "http://127.0.0.1:1")
    assert (said.code, said.out) == (1, "")
    assert "cannot reach the admin listener" in said.err
