"""Look-ups in Redis that no task waits for: never a wrong body, whatever Redis does, and every client is answered."""

import asyncio
import random
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings

from proxy.clock import SystemClock
from proxy.errors import StoreUnavailable
from proxy.policy.cache_key import CacheKey
from proxy.store.backing import Found
from proxy.store.redis_address import parse_address
from proxy.store.redis_names import variants_name
from proxy.store.redis_question import Limits
from proxy.store.redis_store import RedisStore
from tests.property.test_hit_path import Pair, at_rest, cut
from tests.support.builders import a_key, a_stored
from tests.support.raw_origin import Peer
from tests.support.redis_faults import ERRORS, VALUES, WIRE, FaultyRedis
from tests.support.redis_server import RedisServer
from tests.support.wired import Wire, wired

pytestmark = pytest.mark.integration
KEYS = [a_key(f"/a/{number}") for number in range(8)]
WITHIN = 20.0
"""Seconds: far more than anything here takes."""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    with RedisServer(tmp_path_factory.mktemp("redis")) as running:
        yield running


@pytest.fixture
async def faulty(server: RedisServer) -> AsyncIterator[FaultyRedis]:
    server.command("FLUSHALL")
    async with FaultyRedis(server.port) as proxy:
        yield proxy


# The store alone ----------------------------------------------------------------------------------------------------


def body_of(key: CacheKey) -> bytes:
    """What alone may ever be read under ``key``."""
    return (key.text * 30).encode()


@asynccontextmanager
async def a_store(url: str) -> AsyncIterator[RedisStore]:
    store = RedisStore(parse_address(url), SystemClock(), Limits(timeout=1.0, pace=0.01))
    await store.open()
    try:
        yield store
    finally:
        await store.close()


async def fill(store: RedisStore) -> None:
    for key in KEYS:
        async with asyncio.timeout(WITHIN):
            while True:
                try:
                    position = (await store.get(key)).position
                    await store.put(key, a_stored(body_of(key), target=key.target, position=position), 600)
                    break
                except StoreUnavailable:
                    await asyncio.sleep(0.02)


async def asked(store: RedisStore, keys: Sequence[CacheKey]) -> list[Found | None]:
    """What is told of these keys, asked for in one turn of the loop; None where there is no line, too."""
    told: list[asyncio.Future[Found | None]] = []
    for key in keys:
        future: asyncio.Future[Found | None] = asyncio.get_running_loop().create_future()
        if not store.ask(key, (), future.set_result):
            future.set_result(None)
        told.append(future)
    async with asyncio.timeout(WITHIN):
        return list(await asyncio.gather(*told))


async def until_answered(store: RedisStore) -> list[Found]:
    async with asyncio.timeout(WITHIN):
        while True:
            found = [each for each in await asked(store, KEYS) if each is not None]
            if len(found) == len(KEYS):
                return found
            await asyncio.sleep(0.02)


async def test_all_of_one_turn_get_their_own_answer_in_one_round_trip(server: RedisServer) -> None:
    async with a_store(server.url) as store:
        await fill(store)
        found = await until_answered(store)
        assert [each.variants[0].body for each in found] == [body_of(key) for key in KEYS]
        assert {each.position for each in found} == {(await store.get(KEYS[0])).position}
        hits = store.stats.operations["get", "hit"]
        (nothing,) = await asked(store, [a_key("/none")])
        assert nothing is not None
        assert not nothing.variants
        assert store.stats.operations["get", "hit"] == hits
    assert not store.ask(KEYS[0], (), lambda _: None), "closed"


@pytest.mark.timeout(120)
@pytest.mark.parametrize("mode", [*WIRE, *VALUES, *ERRORS])
async def test_a_fault_gives_no_wrong_body_and_passes(mode: str, faulty: FaultyRedis) -> None:
    chance = random.Random(mode)  # noqa: S311 - a test's dice
    faulty.swap_with = variants_name("tambo", KEYS[0])
    async with a_store(faulty.url) as store:
        await fill(store)
        await until_answered(store)
        await faulty.set(mode)
        for _ in range(3):
            keys = chance.choices(KEYS, k=5)
            for key, found in zip(keys, await asked(store, keys), strict=True):
                assert found is None or [each.body for each in found.variants] in ([], [body_of(key)])
        await faulty.set("pass")
        await fill(store)
        await until_answered(store)


# Clients ------------------------------------------------------------------------------------------------------------


async def origin(peer: Peer) -> None:
    """Says how often it was asked."""
    while True:
        head = await peer.head()
        body = head.split(b" ")[1]
        fresh = b"Content-Type: application/json\r\nCache-Control: max-age=3600\r\n"
        await peer.say(b"HTTP/1.1 200 OK\r\n%bContent-Length: %d\r\n\r\n%b" % (fresh, len(body), body))


@asynccontextmanager
async def through(folder: Path, url: str) -> AsyncIterator[Wire]:
    """A Tambo without a memory tier."""
    environ = {"REDIS_URL": url, "TAMBO_STORE__MEMORY": "0", "TAMBO_STORE__REDIS_TIMEOUT": "500ms"}
    async with wired(folder, origin, **environ) as wire:
        yield wire


def request(target: str, *lines: str) -> bytes:
    return "\r\n".join([f"GET {target} HTTP/1.1", "Host: x", *lines, "\r\n"]).encode()


class Client:
    """One connection that stays."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self.writer = reader, writer

    async def answer(self) -> tuple[bytes, bytes]:
        """The next head and content."""
        async with asyncio.timeout(WITHIN):
            head = await self._reader.readuntil(b"\r\n\r\n")
            length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
            return head, await self._reader.readexactly(length)

    async def ask(self, target: str, *lines: str) -> tuple[bytes, bytes]:
        self.writer.write(request(target, *lines))
        return await self.answer()


@asynccontextmanager
async def client_of(wire: Wire) -> AsyncIterator[Client]:
    reader, writer = await asyncio.open_connection(*wire.address)
    try:
        yield Client(reader, writer)
    finally:
        writer.close()


async def is_stored(client: Client, *targets: str) -> None:
    for target in targets:
        async with asyncio.timeout(WITHIN):
            while b"X-Cache: HIT" not in (await client.ask(target))[0]:
                await asyncio.sleep(0.01)


async def test_what_comes_behind_a_request_that_is_looked_up_is_answered_in_order(
    tmp_path: Path, faulty: FaultyRedis
) -> None:
    async with through(tmp_path, faulty.url) as wire, client_of(wire) as client:
        await is_stored(client, "/a", "/b", "/c")
        for pieces in (
            [request("/a"), request("/b"), request("/c")],
            [request("/a"), request("/b")[:9], request("/b")[9:] + request("/c")],
        ):
            await faulty.set("slow")  # so that each is under way when the next comes
            for piece in pieces:
                client.writer.write(piece)
                await client.writer.drain()
                for _ in range(25):
                    await asyncio.sleep(0)
            await faulty.set("pass")
            assert [(await client.answer())[1] for _ in range(3)] == [b"/a", b"/b", b"/c"]


async def test_a_redis_that_says_nothing_delays_its_clients_and_loses_none(tmp_path: Path, faulty: FaultyRedis) -> None:
    async with AsyncExitStack() as stack:
        wire = await stack.enter_async_context(through(tmp_path, faulty.url))
        clients = [await stack.enter_async_context(client_of(wire)) for _ in range(4)]
        for client in clients:
            await is_stored(client, "/a")
        await faulty.set("hang")
        for client in clients:
            client.writer.write(request("/a"))
        gone = clients.pop()
        gone.writer.transport.abort()
        for client in clients:
            assert (await client.answer())[1] == b"/a"
        await faulty.set("pass")
        for client in clients:
            await is_stored(client, "/a")


async def test_who_is_being_looked_up_when_tambo_stops_is_answered(tmp_path: Path, faulty: FaultyRedis) -> None:
    async with AsyncExitStack() as stack:
        wire = await stack.enter_async_context(through(tmp_path, faulty.url))
        client = await stack.enter_async_context(client_of(wire))
        await is_stored(client, "/a")
        await faulty.set("hang")
        client.writer.write(request("/a"))
        for _ in range(25):
            await asyncio.sleep(0)
        answering = asyncio.ensure_future(client.answer())
        stopping = asyncio.ensure_future(wire.stop())
        head, body = await answering
        assert (body, b"Connection: close" in head) == (b"/a", True)
        await stopping


# All that clients can say ------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def pair(server: RedisServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    server.command("FLUSHALL")
    url = server.url.removesuffix("/0")
    patient = {f"TAMBO_STORE__REDIS_{name}": "10s" for name in ("TIMEOUT", "COMMAND_TIMEOUT")}  # the machine is busy
    environ = [{"REDIS_URL": f"{url}/{number}", "TAMBO_STORE__MEMORY": "0", **patient} for number in (1, 2)]
    with Pair(tmp_path_factory.mktemp("pair"), *environ) as both:
        yield both


@pytest.mark.timeout(240)
@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(pieces=at_rest() | cut())
def test_the_answers_are_the_same_with_and_without_the_hit_path(pair: Pair, pieces: list[bytes]) -> None:
    with_it, without_it = pair.ask(pieces)
    for _ in range(20):  # who writes on to what was closed is reset, or not: a look-up in Redis takes how long it takes
        if with_it == without_it or b"reset" not in (with_it, without_it):
            break
        with_it, without_it = pair.ask(pieces)
    assert with_it == without_it
