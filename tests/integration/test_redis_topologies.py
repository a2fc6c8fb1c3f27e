"""Every way in which a Redis can be made up, for real: TLS, ACL, unix socket, Sentinel, Cluster; and what a failover
under load costs the clients: nothing."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack, asynccontextmanager
from pathlib import Path

import aiohttp
import pytest
import trustme
from redis.crc import key_slot

from tests.support.fleet import PATIENT
from tests.support.numbered import GROUPS, Numbered, Witness
from tests.support.redis_many import Cluster, Watched, ask
from tests.support.redis_rights import as_options, denied, named
from tests.support.redis_server import RedisServer, free_port, valkey_server
from tests.support.tambo import Tambo, fetch, running

pytestmark = pytest.mark.integration

KEYS, CLIENTS, PACE = 40, 6, 0.01


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as it:
        yield it


def _tls(folder: Path, stack: ExitStack) -> str:
    authority, port = trustme.CA(), free_port()
    authority.cert_pem.write_to_path(folder / "ca.pem")
    server, client = authority.issue_cert("localhost"), authority.issue_cert("tambo@example.com")
    for name, one in (("server", server), ("client", client)):
        one.private_key_pem.write_to_path(folder / f"{name}.key")
        one.cert_chain_pems[0].write_to_path(folder / f"{name}.pem")
    files = ["--tls-cert-file", f"{folder}/server.pem", "--tls-key-file", f"{folder}/server.key"]
    files += ["--tls-ca-cert-file", f"{folder}/ca.pem", "--tls-auth-clients", "yes"]
    stack.enter_context(RedisServer(folder, "--tls-port", str(port), *files, unix=True))
    mine = f"ssl_ca_certs={folder}/ca.pem&ssl_certfile={folder}/client.pem&ssl_keyfile={folder}/client.key"
    return f"rediss://localhost:{port}/0?{mine}"


def _acl(folder: Path, stack: ExitStack) -> str:
    """Exactly the rights that docs/redis.md names."""
    server = stack.enter_context(RedisServer(folder, *as_options()))
    assert ask(server, "ACL", "SETUSER", "default", "off") == b"OK"
    return f"redis://{named()}@127.0.0.1:{server.port}/0"


def _valkey(folder: Path, stack: ExitStack) -> str:
    """A Valkey, with the same rights."""
    server = stack.enter_context(RedisServer(folder, *as_options(), program=valkey_server()))
    stack.callback(lambda: denied(server) == [] or pytest.fail("Valkey denied something"))
    return f"redis://{named()}@127.0.0.1:{server.port}/0"


def _unix(folder: Path, stack: ExitStack) -> str:
    return stack.enter_context(RedisServer(folder, unix=True)).url


@pytest.mark.parametrize("made", [_tls, _acl, _unix, _valkey], ids=["tls", "acl", "unix", "valkey"])
async def test_it_is_stored_in_redis_and_found_by_another(
    made: Callable[[Path, ExitStack], str], stack: ExitStack, tmp_path: Path, session: aiohttp.ClientSession
) -> None:
    folder = tmp_path / "r"
    folder.mkdir()
    url = made(folder, stack)
    origin = Numbered(seconds=0)
    async with origin.serving() as upstream:
        async with _tambo(tmp_path / "one", upstream, url) as one:
            assert (await fetch(session, f"{one.url}/k/1"))[1]["X-Cache"] == "MISS"
            assert (await fetch(session, f"{one.url}/k/1"))[1]["X-Cache"] == "HIT"
            form = {"url": "/k/2", "mode": "hard"}
            assert (await fetch(session, f"{one.admin}/admin/purge", "POST", json=form))[0] == 200
            for search in ("", "?tag=g1", "?url=/k/1"):
                status, _, page = await fetch(session, f"{one.admin}/admin/entries{search}")
                assert (status, page.count(b'"target"')) == (200, 1), (search, page)
            assert [line for line in one.log if line["level"] in {"warning", "error"} and "edis" in str(line)] == []
        async with _tambo(tmp_path / "two", upstream, url) as two:
            assert (await fetch(session, f"{two.url}/k/1"))[1]["X-Cache"] == "HIT"
    assert origin.number == 1


@asynccontextmanager
async def _tambo(folder: Path, upstream: str, url: str) -> AsyncIterator[Tambo]:
    await asyncio.to_thread(folder.mkdir)
    environ = {"REDIS_URL": url, **PATIENT, "TAMBO_STORE__WHEN_REDIS_IS_DOWN": "upstream"}
    async with running(folder, upstream, **environ) as tambo:
        yield tambo


@asynccontextmanager
async def _load(session: aiohttp.ClientSession, tambos: list[Tambo], witness: Witness) -> AsyncIterator[None]:
    over = asyncio.Event()

    async def stroll(number: int) -> None:
        key = number
        while not over.is_set():
            key += 1
            await witness.look(session, tambos[number % len(tambos)], key % KEYS)
            await asyncio.sleep(PACE)

    strolls = [asyncio.ensure_future(stroll(number)) for number in range(CLIENTS)]
    try:
        yield
    finally:
        over.set()
        await asyncio.gather(*strolls)


async def _works_again(session: aiohttp.ClientSession, tambos: list[Tambo], seconds: float = 90) -> None:
    """What one stores, another finds; and a purge is carried out. A Sentinel that stood still trusts nothing for half a
    minute."""
    key = KEYS + 1
    async with asyncio.timeout(seconds):
        while True:
            key += 1
            form = {"url": f"/k/{key}", "mode": "hard"}
            status, _, _ = await fetch(session, f"{tambos[0].admin}/admin/purge", "POST", json=form)
            words = [(await fetch(session, f"{tambo.url}/k/{key}"))[1]["X-Cache"] for tambo in (*tambos, *tambos)]
            if status == 200 and words == ["MISS", "HIT", "HIT", "HIT"]:
                return
            await asyncio.sleep(0.1)


async def _purge_across_slots(session: aiohttp.ClientSession, tambo: Tambo, origin: Numbered, witness: Witness) -> None:
    """Keys that lie on every node, by what they have in common; the witness sees whether all have met it."""
    for form, keys in (
        ({"tag": "g1"}, [key for key in range(KEYS) if key % GROUPS == 1]),
        ({"prefix": "/k/2"}, [key for key in range(KEYS) if str(key).startswith("2")]),
        ({"pattern": "/k/*3"}, [key for key in range(KEYS) if str(key).endswith("3")]),
    ):
        number = origin.number
        status, _, _ = await fetch(session, f"{tambo.admin}/admin/purge", "POST", json=form | {"mode": "hard"})
        assert status == 200, form
        witness.purged(keys, number, is_hard=True)


@pytest.mark.timeout(400)
async def test_sentinel_makes_another_primary(stack: ExitStack, tmp_path: Path, session: aiohttp.ClientSession) -> None:
    redis = await asyncio.to_thread(Watched, tmp_path, stack, *as_options())
    origin, witness = Numbered(), Witness()
    async with (
        origin.serving() as upstream,
        _tambo(tmp_path / "one", upstream, redis.url(f"{named()}@")) as one,
        _tambo(tmp_path / "two", upstream, redis.url(f"{named()}@")) as two,
    ):
        await _works_again(session, [one, two])
        async with _load(session, [one, two], witness):
            await asyncio.sleep(1)
            redis.primary.kill()
            await _works_again(session, [one, two])
            hits = witness.hits
            await asyncio.sleep(0.5)
        assert witness.hits > hits
        assert (witness.failures, witness.wrong) == (0, [])
        roles = [ask(replica, "ROLE") for replica in redis.replicas]
        assert [role[0] for role in roles if isinstance(role, list)].count(b"master") == 1
        # The old one comes back, believes for a moment that it is the primary, and is put right.
        redis.primary.start()
        async with _load(session, [one, two], witness):
            await asyncio.sleep(2)
            await _works_again(session, [one, two])
        assert (witness.failures, witness.wrong) == (0, [])
    assert [denied(node) for node in (redis.primary, *redis.replicas)] == [[], [], []]


@pytest.mark.timeout(600)
async def test_a_cluster_loses_a_primary_and_moves_a_slot(
    stack: ExitStack, tmp_path: Path, session: aiohttp.ClientSession
) -> None:
    redis = await asyncio.to_thread(Cluster, tmp_path, stack, *as_options())
    origin, witness = Numbered(), Witness()
    async with (
        origin.serving() as upstream,
        _tambo(tmp_path / "one", upstream, redis.url(f"{named()}@")) as one,
        _tambo(tmp_path / "two", upstream, redis.url(f"{named()}@")) as two,
    ):
        await _works_again(session, [one, two])
        async with _load(session, [one, two], witness):
            await asyncio.sleep(1)
            source, name = next(
                (node, name)
                for node in redis.primaries
                for name in _names(node)
                if name.endswith(b"/k/1") and b":1:/k/" in name
            )
            target = next(node for node in redis.primaries if node is not source)
            moved = await asyncio.to_thread(redis.migrate, key_slot(name), source, target)
            assert moved >= 1
            await _works_again(session, [one, two])
            await _purge_across_slots(session, one, origin, witness)
            for node in redis.primaries:  # the one of the purge log among them
                await asyncio.to_thread(redis.lose, node)
                await _works_again(session, [one, two])
                await _purge_across_slots(session, two, origin, witness)
                await asyncio.to_thread(node.start)
                await asyncio.sleep(1.5)
        assert (witness.failures, witness.wrong) == (0, [])
        assert witness.hits > witness.answers / 4
    assert [each for node in redis.nodes for each in denied(node)] == []


def _names(node: RedisServer) -> list[bytes]:
    found = ask(node, "KEYS", "*")
    assert isinstance(found, list)
    return found
