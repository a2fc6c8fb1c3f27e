"""A Redis Cluster behind the same face as a single Redis: asks the node that has the name, and goes where it is sent.

Holds one client for each primary. What slots are where is read from any node that answers: at the start, when one says
that another has a name, and each second while something is wrong. Judges no reply but that.
"""

import asyncio
import logging
import math
import random
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Any, Final, TypeVar

from msgspec.structs import replace

from proxy.clock import Clock
from proxy.errors import StoreUnavailable
from proxy.store.lasting import lasting
from proxy.store.redis_address import Place, RedisAddress
from proxy.store.redis_client import RedisClient
from proxy.store.redis_connection import FOREIGN, RedisConnection
from proxy.store.redis_question import Dial, Limits, Nodes, NonsenseError, Question, RedirectedError, pack
from proxy.store.redis_slots import SlotTable, spread
from proxy.store.redis_transaction import sound
from proxy.store.stats import TierStats

T = TypeVar("T")

_LOG: Final = logging.getLogger("tambo.store")
_BEAT: Final = 0.5
_SETTLED_BEAT: Final = 10.0
"""Seconds between two looks at the slots while something is wrong, and while nothing is."""
_MOST_HOPS: Final = 3
_ASKING: Final = pack([(b"ASKING",)])


class RedisCluster:
    """Satisfies proxy.store.redis_question.Redis, and Whereabouts for who listens to messages."""

    is_divided: bool = True

    def __init__(self, address: RedisAddress, clock: Clock, limits: Limits, stats: TierStats, heart: bytes) -> None:
        """``heart``: the name whose node decides whether Redis is in use: where the purge log is."""
        self._address = address
        self._clock = clock
        self.limits = limits
        self.stats = stats
        self._heart = heart
        self._slots = SlotTable()
        self._nodes: dict[Place, RedisClient] = {}
        self._followers: list[Callable[[Nodes], None]] = []
        self._told: frozenset[Place] = frozenset()
        self._doubts = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()
        self._watching: asyncio.Task[None] | None = None
        self._is_closed = False

    # Satisfies Redis -----------------------------------------------------------------------------------------------

    @property
    def is_up(self) -> bool:
        """See Redis: whether the node of the purge log is being asked."""
        node = self._heart_node
        return node is not None and node.is_up

    @property
    def out_for(self) -> float:
        """See Redis."""
        node = self._heart_node
        return math.inf if node is None else node.out_for

    @property
    def _heart_node(self) -> RedisClient | None:
        return self._nodes.get(self._slots.of(self._heart) or ("", 0))

    @property
    def is_doubtful(self) -> bool:
        """See Redis."""
        return not self.is_up or any(node.is_doubtful for node in self._nodes.values())

    async def open(self) -> None:
        """See Redis."""
        await self._look_around()
        self._watching = lasting(self._watch, "watching the Cluster")

    async def close(self) -> None:
        """See Redis."""
        self._is_closed = True
        tasks = [*self._tasks, *([self._watching] if self._watching else [])]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await asyncio.gather(*(node.close() for node in self._nodes.values()))

    async def run(self, question: Question[T], budget: float) -> T:
        """See Redis: with what hops need, still within ``budget``."""
        deadline = self._clock.monotonic() + budget
        place, asked = (self._slots.of(question.at) if question.at else self._anyone()), question
        for _ in range(_MOST_HOPS):
            if place is None or self._is_closed:
                break
            try:
                return await self._node(place).run(asked, max(0.0, deadline - self._clock.monotonic()))
            except RedirectedError as error:
                place, asked = self._redirected(error, place, question)
            except StoreUnavailable:
                self._doubts.set()
                raise
        self._doubts.set()
        raise StoreUnavailable(question.operation, "no node of the Redis Cluster has it")

    def places(self) -> tuple[Place, ...]:
        """See Redis."""
        return tuple(self._slots.places())

    def place_of(self, name: bytes) -> Place | None:
        """See Redis."""
        return self._slots.of(name)

    async def run_at(self, place: Place | None, question: Question[T], budget: float) -> T:
        """See Redis."""
        try:
            if place is not None and not self._is_closed and place in self._slots.places():
                return await self._node(place).run(question, budget)
        except RedirectedError as error:
            self._redirected(error, place or ("", 0), question)
        except StoreUnavailable:
            self._doubts.set()
            raise
        self._doubts.set()
        raise StoreUnavailable(question.operation, "another node of the Redis Cluster has it")

    def later(self, work: Coroutine[Any, Any, None]) -> None:
        """See Redis."""
        for node in self._nodes.values():
            node.later(work)
            return
        work.close()

    async def settled(self) -> None:
        """See Redis."""
        await asyncio.gather(*(node.settled() for node in self._nodes.values()))

    def dial(self) -> RedisConnection:
        """See Redis: a Cluster hands each message to all its nodes."""
        return RedisConnection(self._address, self.limits.command_timeout, self.limits.max_reply, self)

    def follow(self, hears: Callable[[Nodes], None]) -> None:
        """See Redis."""
        self._followers.append(hears)
        hears(self._dials())

    # Satisfies Whereabouts -----------------------------------------------------------------------------------------

    @property
    def place(self) -> Place | None:
        """See Whereabouts: who is subscribed stays where it is."""
        return None

    async def find(self) -> tuple[Place, RedisAddress]:
        """See Whereabouts."""
        place = self._anyone()
        if place is None:
            raise ConnectionError("no node of the Redis Cluster answers")
        return place, self._address.at(place)

    async def check(self, connection: RedisConnection) -> None:
        """See Whereabouts: any will do."""

    # Who has what --------------------------------------------------------------------------------------------------

    def _anyone(self) -> Place | None:
        up = [place for place, node in self._nodes.items() if node.is_up]
        return random.choice(up) if up else None  # noqa: S311 - spreads load, protects nothing

    def _redirected(self, error: RedirectedError, asked: Place, question: Question[T]) -> tuple[Place, Question[T]]:
        host, port = error.place
        place = host or asked[0], port
        if error.is_moved:
            self._slots.move(error.slot, place)
            self._doubts.set()
            return place, question
        # For this once: the slot is on its way there.
        read, commands = question.read, _ASKING + question.commands
        return place, replace(
            question, commands=commands, replies=question.replies + 1, read=lambda replies: read(_asked(replies))
        )

    def _node(self, place: Place) -> RedisClient:
        node = self._nodes.get(place)
        if node is None:
            address = self._address.at(place)
            node = self._nodes[place] = RedisClient(address, self._clock, self.limits, self.stats, is_part=True)
            self._own(node.open())
        return node

    def _dials(self) -> dict[Place | None, Dial]:
        return {place: self._node(place).dial for place in self._told}

    async def _watch(self) -> None:
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(_BEAT if self._is_unwell else _SETTLED_BEAT):
                    await self._doubts.wait()
            self._doubts.clear()
            await self._look_around()
            await asyncio.sleep(_BEAT * random.random())  # noqa: S311 - spreads load, protects nothing

    @property
    def _is_unwell(self) -> bool:
        owners = self._slots.places()
        return not self._slots.is_whole or any(not self._node(place).is_up for place in owners)

    async def _look_around(self) -> None:
        """Read the slots from the first node that answers, and let go of nodes that have none any more."""
        places = [*self._nodes, *(seed for seed in self._address.seeds if seed not in self._nodes)]
        up = [place for place in places if place in self._nodes and self._nodes[place].is_up]
        for place in [*spread(up, random.randrange(1 << 16)), *(each for each in places if each not in up)]:  # noqa: S311
            if await self._learn(place):
                break
        owners = self._slots.places()
        for place in owners:
            self._node(place)
        for place in [place for place in self._nodes if owners and place not in owners]:
            await self._nodes.pop(place).close()
        if owners != self._told:
            _LOG.warning("the Redis Cluster has %d primaries", len(owners))
            self._told = owners
            for hears in self._followers:
                hears(self._dials())

    async def _learn(self, place: Place) -> bool:
        connection = RedisConnection(self._address.at(place), self.limits.command_timeout, self.limits.max_reply)
        try:
            async with asyncio.timeout(self.limits.command_timeout):
                await connection.open()
                (reply,) = await connection.exchange(pack([(b"CLUSTER", b"SLOTS")]), 1)
            self._slots.learn(sound(reply), place)
        except (*FOREIGN, NonsenseError, TimeoutError) as error:
            _LOG.debug("%s:%d does not tell who has which slots: %s", *place, error)
            return False
        finally:
            await connection.close()
        return True

    def _own(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)  # noqa: TID251 - owned: close() ends it
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def _asked(replies: list[Any]) -> list[Any]:
    sound(replies[0])
    return replies[1:]
