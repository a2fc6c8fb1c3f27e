"""Asks Redis what ``tambo doctor`` wants to know of it: each node's own words, the rights, the time. Writes nothing but
scratch names of its own, which end by themselves in seconds."""

import secrets
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any, Final

from redis.exceptions import NoPermissionError, ResponseError

from proxy.cli import doctor_judge as judge
from proxy.cli.findings import Finding, advice, good, is_well, wrong
from proxy.clock import SystemClock
from proxy.errors import StoreUnavailable
from proxy.exchange.purges import Purge, PurgeKind, PurgeMode
from proxy.store.redis_address import RedisAddress, Topology, parse_address
from proxy.store.redis_connection import FOREIGN, RedisConnection
from proxy.store.redis_names import purges_name, replicas_name
from proxy.store.redis_question import Command, Limits, NonsenseError, Question, pack
from proxy.store.redis_sentinel import Sentinels
from proxy.store.redis_slots import SLOTS, SlotTable
from proxy.store.redis_store import Bounds, RedisStore

_PATIENCE: Final = 3.0
_MOST_BYTES: Final = 16 * 1024 * 1024
_PINGS: Final = 21
_EVERYTHING: Final = Purge(PurgeKind.ALL, "", PurgeMode.SOFT)


async def examine_redis(url: str, namespace: str, budget: float) -> list[Finding]:
    """Whatever the URL leads to. ``budget``: store.redis_timeout, in seconds."""
    address = parse_address(url)
    try:
        findings, nodes = await _topology(address, namespace)
        for node in nodes:
            findings += await _node(node, budget, is_one_of_several=address.topology is not Topology.SINGLE)
        if is_well(findings):
            findings += await _content(address, namespace)
    except (*FOREIGN, NonsenseError, TimeoutError) as error:
        do = "start it, and put REDIS_URL right: host, port, user and password, TLS"
        return [wrong("Redis", f"{address.shown} does not answer: {' '.join(str(error).split())}", do)]
    return findings


@asynccontextmanager
async def _connected(address: RedisAddress) -> AsyncIterator[RedisConnection]:
    connection = RedisConnection(address, _PATIENCE, _MOST_BYTES)
    try:
        await connection.open()
        yield connection
    finally:
        await connection.close()


async def _ask(connection: RedisConnection, *command: bytes | int) -> Any:
    (reply,) = await connection.exchange(pack([command]), 1)
    return reply


# Where it is ------------------------------------------------------------------------------------------------------


async def _topology(address: RedisAddress, namespace: str) -> tuple[list[Finding], list[RedisAddress]]:
    """What it is made of, and its primaries; the first of them has the purge log."""
    if address.topology is Topology.CLUSTER:
        return await _cluster(address, namespace)
    if not address.service:
        return [], [address]
    place, primary = await Sentinels(address, _PATIENCE).find()
    said = f"the Sentinels name {place[0]}:{place[1]} the primary of {address.service!r}"
    return [good("topology", said)], [primary]


async def _cluster(address: RedisAddress, namespace: str) -> tuple[list[Finding], list[RedisAddress]]:
    slots, problem = SlotTable(), "no node was named"
    for seed in address.seeds:
        try:
            async with _connected(address.at(seed)) as connection:
                reply = await _ask(connection, b"CLUSTER", b"SLOTS")
            if isinstance(reply, ResponseError):
                raise reply
            slots.learn(reply, seed)
            break
        except (*FOREIGN, NonsenseError) as error:
            problem = f"{seed[0]}:{seed[1]}: {error}"
    else:
        raise ConnectionError(problem)
    owners = slots.places()
    missing = SLOTS - slots.covered
    heart = slots.of(purges_name(namespace))
    places = sorted(owners, key=lambda place: (place != heart, place))
    return [judge.judge_slots("topology", len(owners), missing)], [address.at(place) for place in places]


# One node ---------------------------------------------------------------------------------------------------------


async def _node(address: RedisAddress, budget: float, *, is_one_of_several: bool) -> list[Finding]:
    about = address.shown
    try:
        async with _connected(address) as connection:
            findings = await _words(connection, about, is_one_of_several=is_one_of_several)
            findings.append(await _rights(connection, about))
            findings += await _times(connection, about, budget)
    except FOREIGN as error:
        return [
            wrong(about, f"does not answer: {' '.join(str(error).split())}", "start it, or let a replica take over")
        ]
    return findings


async def _words(connection: RedisConnection, about: str, *, is_one_of_several: bool) -> list[Finding]:
    said = await _ask(connection, b"INFO")
    if isinstance(said, NoPermissionError):
        do = "let the doctor use a Redis user with +INFO (TAMBO_STORE__REDIS_URL for this one call) to see more"
        return [advice(about, "version, eviction policy and persistence are not this user's to see", do)]
    if not isinstance(said, bytes):
        raise NonsenseError("not an answer to INFO")
    info = judge.read_info(said.decode(errors="replace"))
    findings = [
        judge.judge_version(about, info),
        judge.judge_memory(f"{about} memory", info),
        judge.judge_persistence(f"{about} persistence", info),
    ]
    if is_one_of_several:
        findings.append(judge.judge_replicas(f"{about} replicas", info))
    return findings


def trial(name: bytes) -> list[Command]:
    """Every command that Tambo sends and that one can try without harm, on names that end in seconds. ``name`` stands
    in braces: all are in one slot."""
    field, hash_, sorted_, stream, text = b"f", name + b":h", name + b":z", name + b":s", name + b":t"
    return [
        *((b"HSET", hash_, field, b"v"), (b"PEXPIRE", hash_, 5000), (b"HGET", hash_, field), (b"HGETALL", hash_)),
        *((b"HLEN", hash_), (b"HEXISTS", hash_, field), (b"HKEYS", hash_), (b"HRANDFIELD", hash_, 1)),
        *((b"ZADD", sorted_, 1, b"m"), (b"PEXPIRE", sorted_, 5000), (b"ZRANGE", sorted_, 0, -1)),
        *((b"ZSCAN", sorted_, 0), (b"ZREMRANGEBYSCORE", sorted_, 0, 0), (b"ZREMRANGEBYRANK", sorted_, 5, 6)),
        *((b"XADD", stream, b"*", b"k", b"v"), (b"PEXPIRE", stream, 5000), (b"XRANGE", stream, b"-", b"+")),
        *((b"XREVRANGE", stream, b"+", b"-"), (b"SET", text, b"v", b"PX", 5000), (b"GET", text), (b"PTTL", text)),
        *((b"EXISTS", text), (b"EVAL", b"return redis.call('TIME')", 1, text), (b"TIME",), (b"SCAN", 0, b"COUNT", 1)),
        *((b"MULTI",), (b"EXEC",), (b"PUBLISH", name, b""), (b"PING",), (b"CLIENT", b"ID")),
        *((b"HDEL", hash_, field), (b"ZREM", sorted_, b"m"), (b"DEL", text), (b"UNLINK", stream)),
    ]


async def _rights(connection: RedisConnection, about: str) -> Finding:
    about = f"{about} rights"
    commands = trial(b"tambo:doctor:{%b}" % secrets.token_hex(6).encode())
    replies = await connection.exchange(pack(commands), len(commands))
    refused = {_verb(command) for command, reply in zip(commands, replies, strict=True) if _is_denied(reply)}
    if refused:
        do = "give Tambo's user the rights that docs/redis.md lists"
        return wrong(about, f"this user may not use {', '.join(sorted(refused))}", do)
    failed = [reply for reply in replies if isinstance(reply, ResponseError)]
    if failed:
        return wrong(about, f"it refuses to write: {failed[0]}", "answers are not stored and purges fail until it does")
    return good(about, f"all {len({_verb(command) for command in commands})} commands that were tried are allowed")


def _verb(command: Sequence[bytes | int]) -> str:
    return b" ".join(
        word for word in command[: 2 if command[0] == b"CLIENT" else 1] if isinstance(word, bytes)
    ).decode()


def _is_denied(reply: Any) -> bool:
    return isinstance(reply, NoPermissionError) or (isinstance(reply, ResponseError) and "permission" in str(reply))


async def _times(connection: RedisConnection, about: str, budget: float) -> list[Finding]:
    clock = SystemClock()
    taken: list[float] = []
    for _ in range(_PINGS):
        began = clock.monotonic()
        await _ask(connection, b"PING")
        taken.append(clock.monotonic() - began)
    before = clock.now()
    said = await _ask(connection, b"TIME")
    after = clock.now()
    findings = [judge.judge_latency(f"{about} latency", taken, budget)]
    if isinstance(said, list) and len(said) == 2:  # noqa: PLR2004 - seconds and microseconds
        theirs = int(said[0]) + int(said[1]) / 1e6
        findings.append(judge.judge_skew(f"{about} clock", theirs - (before + after) / 2, (after - before) / 2))
    return findings


# What is in it ----------------------------------------------------------------------------------------------------


async def _content(address: RedisAddress, namespace: str) -> list[Finding]:
    """Who shares it now, and whether what they stored says something of their clocks."""
    clock = SystemClock()
    store = RedisStore(
        address, clock, Limits(timeout=_PATIENCE, command_timeout=_PATIENCE), Bounds(namespace=namespace)
    )
    await store.client.open()
    try:
        page = await store.page(_EVERYTHING, b"", 250)
        names = await _living(store, namespace)
    except StoreUnavailable as error:
        return [advice("content", f"what is stored cannot be looked at: {error.detail}", "see the findings above")]
    finally:
        await store.close()
    ahead = max((row.stored.response_time - clock.now() for row in page.rows), default=0.0)
    said = (
        f"{len(names)} share this Redis for this upstream now: {', '.join(names)}" if names else "none runs on it now"
    )
    return [good("Tambos", said), judge.judge_future("Tambos' clocks", ahead, len(page.rows))]


async def _living(store: RedisStore, namespace: str) -> list[str]:
    name = replicas_name(namespace)
    asked = Question("doctor", pack([(b"ZRANGE", name, 0, -1)]), 1, lambda replies: replies[0], at=name)
    said = await store.client.run(asked, _PATIENCE)
    if not isinstance(said, list):
        return []
    return sorted({each.partition(b"|")[0].decode(errors="replace") for each in said if isinstance(each, bytes)})[:20]
