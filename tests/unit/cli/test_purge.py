"""``tambo purge`` against a real admin listener."""

import asyncio
import json
import os
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field

import pytest
from aiohttp.test_utils import TestServer

from proxy.cli.purge import Wish
from proxy.config.model import Config
from proxy.config.routes import route_policies
from proxy.edge.admin.access import Gate
from proxy.edge.admin.app import AdminParts, Health, make_admin_app
from proxy.edge.admin.entries import Entries
from proxy.edge.admin.reloading import Reloaded
from proxy.errors import StoreUnavailable
from proxy.exchange.inventory import Page, Row, Tally
from proxy.exchange.operating import ModeSwitch
from proxy.exchange.ports import Lookup
from proxy.exchange.purge_desk import PurgeDesk
from proxy.exchange.purges import Purge, Purged, PurgeKind, PurgeMode
from proxy.exchange.purging import Purger
from proxy.policy.cache_key import CacheKey
from proxy.policy.messages import StoredResponse
from tests.support.builders import a_stored
from tests.support.clock import FakeClock
from tests.unit.cli.conftest import Tambo, Transcript


@dataclass
class PurgeBook:
    """A store that only writes down what is purged, and says so many were found."""

    count: int = 2
    is_down: bool = False
    unconfirmed: tuple[str, ...] = ()
    purges: list[Purge] = field(default_factory=list)

    async def purge(self, purge: Purge, by: str = "") -> Purged:
        if self.is_down:
            raise StoreUnavailable("purge", "connection refused")
        self.purges.append(purge)
        return Purged(self.count if purge.kind is PurgeKind.URL else None, len(self.purges), self.unconfirmed)

    async def page(self, aim: Purge, cursor: bytes, most: int) -> Page:
        raise NotImplementedError

    async def find(self, entry: str) -> StoredResponse | None:
        raise NotImplementedError

    async def tally(self, aim: Purge, seconds: float) -> Tally:
        rows = [Row(f"/n/{number}", a_stored(target=f"/n/{number}"), 1, 1) for number in range(min(self.count, 2))]
        return Tally(self.count, aim.kind is not PurgeKind.ALL, 190.5, rows)

    async def lookup(self, key: CacheKey) -> Lookup:
        return Lookup((), 0)

    async def look_again(self, key: CacheKey) -> Lookup:
        raise NotImplementedError

    async def put(self, key: CacheKey, stored: StoredResponse, keep_for: float) -> bool:
        return False

    @property
    def position(self) -> int:
        return len(self.purges)

    @property
    def is_vouched(self) -> bool:
        return True

    def purged_since(self, position: int, key: CacheKey) -> PurgeMode | None:
        return None


@dataclass
class Listener:
    """An admin listener and what was purged through it."""

    book: PurgeBook
    call: Callable[..., object]

    async def tambo(self, *arguments: str) -> Transcript:
        """Call ``tambo purge`` in a thread of its own, as it blocks."""
        said = await asyncio.to_thread(self.call, "purge", *arguments)
        assert isinstance(said, Transcript)
        return said


async def no_reload(by: str) -> Reloaded:
    """Nothing here reloads."""
    raise AssertionError(by)


def parts(book: PurgeBook, gate: Gate) -> AdminParts:
    desk = PurgeDesk(Purger(route_policies(Config()), book), book, lambda *_: None)
    return AdminParts(
        gate=lambda: gate,
        desk=desk,
        health=lambda: Health("embedded", is_ready=True),
        metrics=lambda: b"",
        metrics_type="text/plain",
        switch=ModeSwitch(FakeClock()),
        reload=no_reload,
        entries=Entries(desk, FakeClock().now, lambda keys: [None for _ in keys]),
    )


@pytest.fixture
def gate() -> Gate:
    """Whom the listener lets in."""
    return Gate(token="s3cret", on_loopback=True)


@pytest.fixture
async def listener(tambo: Tambo, gate: Gate, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Listener]:
    """A running admin listener that ADMIN_PORT and ADMIN_TOKEN name."""
    book = PurgeBook()
    server = TestServer(make_admin_app(parts(book, gate)))
    await server.start_server()
    monkeypatch.setenv("ADMIN_PORT", str(server.port))
    monkeypatch.setenv("ADMIN_TOKEN", "s3cret")
    yield Listener(book, tambo)
    await server.close()


@pytest.mark.parametrize(
    ("arguments", "purge", "words"),
    [
        (
            ["/a?b=1"],
            Purge(PurgeKind.URL, "/a?b=1", PurgeMode.SOFT),
            "Purged 2 stored responses of /a?b=1 (soft: stale from now on, kept until it is fetched again).\n",
        ),
        (
            ["http://h/a", "--hard"],
            Purge(PurgeKind.URL, "/a", PurgeMode.HARD),
            "Purged 2 stored responses of http://h/a (hard: gone).\n",
        ),
        (
            ["--prefix", "/a/", "--hard"],
            Purge(PurgeKind.PREFIX, "/a/", PurgeMode.HARD),
            "Purged everything under /a/ (hard: gone).\n",
        ),
        (
            ["--tag", "ruc:1", "--hard"],
            Purge(PurgeKind.TAG, "ruc:1", PurgeMode.HARD),
            "Purged everything tagged ruc:1 (hard: gone).\n",
        ),
        (
            ["--pattern", "/a/*/b"],
            Purge(PurgeKind.PATTERN, "/a/*/b", PurgeMode.SOFT),
            "Purged everything like /a/*/b (soft: stale from now on, kept until it is fetched again).\n",
        ),
        (
            ["--route", "default", "--hard"],
            Purge(PurgeKind.ROUTE, "default", PurgeMode.HARD),
            "Purged everything of route default (hard: gone).\n",
        ),
        (
            ["/a", "--refresh"],
            Purge(PurgeKind.URL, "/a", PurgeMode.SOFT),
            "Purged 2 stored responses of /a (refresh: stale from now on, being fetched again).\n",
        ),
        (
            ["--all"],
            Purge(PurgeKind.ALL, "", PurgeMode.SOFT),
            "Purged everything (soft: stale from now on, kept until it is fetched again).\n",
        ),
    ],
)
async def test_purges(listener: Listener, arguments: list[str], purge: Purge, words: str) -> None:
    said = await listener.tambo(*arguments)
    assert said == Transcript(0, words, "")
    assert listener.book.purges == [purge]


async def test_one_is_one(listener: Listener) -> None:
    listener.book.count = 1
    assert (await listener.tambo("/a")).out.startswith("Purged 1 stored response of /a (")


async def test_nothing_matched(listener: Listener) -> None:
    listener.book.count = 0
    assert await listener.tambo("/a") == Transcript(4, "", "tambo: purge: nothing is stored for /a\n")
    said = await listener.tambo("/a", "--json")
    assert (said.code, said.err) == (4, "")
    assert json.loads(said.out) == {"kind": "url", "mode": "soft", "count": 0}


async def test_not_everyone_confirmed_it(listener: Listener) -> None:
    listener.book.unconfirmed = ("host-a:12", "host-b:7")
    doubt = "not confirmed by host-a:12, host-b:7: what it purged may still be answered there\n"
    said = await listener.tambo("/a", "--hard")
    purged = "Purged 2 stored responses of /a (hard: gone).\n"
    assert said == Transcript(1, purged, f"tambo: purge: carried out, but {doubt}")
    said = await listener.tambo("/a", "--json")
    assert (said.code, said.err) == (1, f"tambo: purge: carried out, but {doubt}")
    assert json.loads(said.out)["unconfirmed"] == ["host-a:12", "host-b:7"]
    listener.book.count = 0
    assert (await listener.tambo("/a")).code == 1


async def test_as_json(listener: Listener) -> None:
    said = await listener.tambo("--all", "--hard", "--json")
    assert (said.code, json.loads(said.out)) == (0, {"kind": "all", "mode": "hard", "count": None})


async def test_the_listeners_url_can_be_said(listener: Listener, monkeypatch: pytest.MonkeyPatch) -> None:
    url = f"http://localhost:{os.environ['ADMIN_PORT']}"
    monkeypatch.setenv("ADMIN_PORT", "1")
    assert (await listener.tambo("/a", "--admin", url)).code == 0


@pytest.mark.parametrize(
    ("token", "words"),
    [
        ("", "wants a token, and ADMIN_TOKEN is not set here"),
        ("other", "has another token than the ADMIN_TOKEN set here"),
    ],
)
async def test_the_token_must_be_right(
    listener: Listener, monkeypatch: pytest.MonkeyPatch, token: str, words: str
) -> None:
    monkeypatch.setenv("ADMIN_TOKEN", token)
    said = await listener.tambo("/a")
    assert said.code == 1
    assert words in said.err
    assert listener.book.purges == []


@pytest.mark.parametrize("gate", [Gate(token=None, on_loopback=False)], indirect=False)
async def test_a_listener_for_others_without_a_token_names_it(
    tambo: Tambo, gate: Gate, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = TestServer(make_admin_app(parts(PurgeBook(), gate)))
    await server.start_server()
    monkeypatch.setenv("ADMIN_PORT", str(server.port))
    said = await asyncio.to_thread(tambo, "purge", "/a")
    await server.close()
    assert said.code == 1
    assert "refuses: Set ADMIN_TOKEN" in said.err


async def test_a_store_that_cannot_be_written_claims_nothing(listener: Listener) -> None:
    listener.book.is_down = True
    said = await listener.tambo("--all")
    assert (said.code, said.out) == (1, "")
    assert said.err.startswith("tambo: purge: nothing is claimed: ")
    assert said.err.count("\n") == 1


async def test_a_url_that_the_listener_refuses(listener: Listener) -> None:
    said = await listener.tambo("/a b")
    assert said.code == 1
    assert "characters that a URL writes percent-encoded" in said.err


def test_nobody_listens(tambo: Tambo, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ADMIN_PORT", "1")
    said = tambo("purge", "/a")
    assert said.code == 1
    assert said.err == (
        "tambo: purge: cannot reach the admin listener at http://127.0.0.1:1: connection refused; is Tambo running, "
        "and is that its address (ADMIN_HOST, ADMIN_PORT or --admin)?\n"
    )


def test_a_wrong_configuration_is_told(tambo: Tambo, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ADMIN_PORT", "x")
    said = tambo("purge", "/a")
    assert said.code == 3
    assert said.err.startswith("tambo: ADMIN_PORT: admin.port: must be a whole number")


@pytest.mark.parametrize(
    ("wish", "problem"),
    [
        (Wish(), "say exactly one of"),
        (Wish(url="/a", everything=True), "say exactly one of"),
        (Wish(url="/a", prefix="/b"), "say exactly one of"),
        (Wish(url="a"), "URL 'a' is neither an absolute URL nor a path that begins with '/'"),
        (Wish(prefix="a"), "--prefix 'a' is neither"),
        (Wish(pattern="/a", route="b"), "say exactly one of"),
        (Wish(url=""), "URL '' is neither"),
    ],
)
def test_what_is_no_wish(wish: Wish, problem: str) -> None:
    assert (wish.problem() or "").startswith(problem)


AGAIN = "fetching it again takes 190.5 s of the upstream's time."


@pytest.mark.parametrize(
    ("arguments", "count", "code", "out"),
    [
        (
            ["/n"],
            1,
            0,
            f"Would purge 1 stored response of /n; {AGAIN}\n  /n/0\n",
        ),
        (
            ["--tag", "t", "--hard"],
            40,
            0,
            f"Would purge 40 stored responses of everything tagged t; {AGAIN}\n  /n/0\n  /n/1\n  ...\n",
        ),
        (
            ["--all"],
            0,
            0,
            f"Would purge at least 0 stored responses of everything; {AGAIN}\n",
        ),
        (["--prefix", "/none"], 0, 4, ""),
    ],
)
async def test_a_dry_run_tells_and_purges_nothing(
    listener: Listener, arguments: list[str], count: int, code: int, out: str
) -> None:
    listener.book.count = count
    said = await listener.tambo(*arguments, "--dry-run")
    assert (said.code, said.out) == (code, out)
    assert listener.book.purges == []


async def test_hard_and_refresh_exclude_each_other(listener: Listener) -> None:
    said = await listener.tambo("/a", "--hard", "--refresh")
    assert (said.code, said.err) == (2, "tambo: purge: say at most one of --hard and --refresh\n")
