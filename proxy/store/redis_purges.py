"""Keeps the purge log in Redis: appends, reads what came since, and begins it anew when it is lost. Judges nothing."""

import asyncio
import math
from collections.abc import Sequence
from typing import Any, Final, Protocol

from proxy.errors import StoreUnavailable
from proxy.exchange.purges import Purge
from proxy.store import redis_log
from proxy.store.backing import LoggedPurge
from proxy.store.redis_names import messages_name, purges_name, replicas_name
from proxy.store.redis_question import Command, Question, Redis, pack
from proxy.store.redis_transaction import WrongTypeError, no_answer, number, sound, transact

_PAGE: Final = 2_000


class Waiter(Protocol):
    """Waits until others have learnt what is appended here."""

    @property
    def channel(self) -> bytes:
        """Where they say so."""
        ...

    def logged(self, position: int, said: Any) -> None:
        """Something was appended at ``position``; ``said``: what the sorted set of all who read the log had then."""
        ...


class RedisPurges:
    """The log of a namespace: about ``bound`` entries, kept for ``keep`` seconds at least.

    Its position never falls while this object lives, whatever becomes of Redis.
    """

    def __init__(self, client: Redis, namespace: str, bound: int, keep: float) -> None:
        self._client = client
        self.waiter: Waiter | None = None
        """Who is told of what is appended here."""
        self._name = name = purges_name(namespace)
        others = replicas_name(namespace), messages_name(namespace)
        self._log = redis_log.Log(name, *others, bound, math.ceil(keep * 1000))
        self._turn = asyncio.Lock()
        self.highest = 0
        """The last position seen. What Redis answers to a question sent later is at or above it, or the log is lost."""
        self.last_entry: Final = pack([(b"XREVRANGE", name, b"+", b"-", b"COUNT", 1)])
        """The command whose reply last_position() of redis_log reads."""

    def seen(self, position: int) -> None:
        """Note a position that Redis gave."""
        self.highest = max(self.highest, position)

    def renewed(self, milliseconds: int) -> Command:
        """The command that lets the log outlive what is being stored for so long."""
        return (b"PEXPIRE", self._name, milliseconds, b"GT")

    async def renew(self, milliseconds: int) -> None:
        """Carry out ``renewed`` by itself. Raises StoreUnavailable."""
        question = Question("renew", pack([self.renewed(milliseconds)]), 1, no_answer, at=self._name)
        await self._client.run(question, self._client.limits.timeout)

    async def last(self, budget: float) -> int | None:
        """The log's last position, within so many seconds; None: there is no log. Raises StoreUnavailable."""
        return await self._position(budget)

    async def keeps_for(self) -> int:
        """Milliseconds for which the log is kept from now on; 0 or less: there is none. Raises StoreUnavailable."""
        question = Question(
            "renew", pack([(b"PTTL", self._name)]), 1, lambda replies: number(sound(replies[0])), at=self._name
        )
        return await self._client.run(question, self._client.limits.command_timeout)

    async def log(self, purge: Purge, by: str = "") -> int:
        """Append, and tell everyone, in one round trip; the position. Raises StoreUnavailable: nothing was logged, or
        nobody can say."""
        for _ in range(2):
            known = self.highest
            if (logged := await self._append(purge, b"*", known, by)) is not None:
                self.seen(logged)
                return logged
            await self.begin(known)
        raise StoreUnavailable("purge", "the purge log was removed while we wrote to it")

    async def after(self, position: int) -> Sequence[LoggedPurge]:
        """What came behind ``position``, oldest first; what of it is lost stands there as a purge of everything."""
        purges: list[LoggedPurge] = []
        while (page := await self._page(position)) is not None:
            purges += page
            if len(page) < _PAGE:
                return purges
            position = page[-1].position
        return [redis_log.beginning(await self.begin(self.highest))]

    async def begin(self, known: int) -> int:
        """Begin the log anew behind ``known``, unless someone else just did; the position from which on it speaks."""
        async with self._turn:
            position = await self._position(self._client.limits.command_timeout, insists=True)
            if position is None or position < known:
                position = await self._append_beginning(known)
            self.seen(position)
            return position

    async def _append_beginning(self, known: int) -> int:
        # The server's clock may be behind the one that gave us ``known``: then the id is ours.
        for at in (b"*", redis_log.stream_id_of(known + 1)):
            position = await self._append(redis_log.BEGINNING, at, None)
            if position is not None and position > known:
                return position
        raise StoreUnavailable("purge", "the purge log does not go forward")

    async def _append(self, purge: Purge, at: bytes, known: int | None, by: str = "") -> int | None:
        """The new entry's position; None where it was to join a log that is lost."""
        channel = b"" if self.waiter is None else self.waiter.channel
        commands = [redis_log.append(self._log, at, purge, by, known, channel)]
        budget = self._client.limits.command_timeout

        def read(results: list[Any]) -> tuple[int, Any] | None:
            return redis_log.appended(results[-1])

        try:
            appended = await transact(self._client, "purge", commands, budget, read, insists=True)
        except WrongTypeError:
            anew: list[Command] = [(b"UNLINK", self._name), *commands]
            appended = await transact(self._client, "purge", anew, budget, read, insists=True)
        if appended is None:
            return None
        position, readers = appended
        if self.waiter is not None:
            self.waiter.logged(position, readers)
        return position

    async def _position(self, budget: float, *, insists: bool = False) -> int | None:
        def read(replies: list[Any]) -> int | None:
            return redis_log.last_position(replies[0])

        question = Question("position", self.last_entry, 1, read, at=self._name, insists=insists)
        return await self._client.run(question, budget)

    async def _page(self, position: int) -> list[LoggedPurge] | None:
        """The next entries behind ``position``; None: there is no log."""

        def read(replies: list[Any]) -> list[LoggedPurge] | None:
            first, later = map(redis_log.logged, replies)
            return redis_log.bridged(position, first[0], later) if first else None

        behind = b"(" + redis_log.stream_id_of(position)
        commands: list[Command] = [
            (b"XRANGE", self._name, b"-", b"+", b"COUNT", 1),
            (b"XRANGE", self._name, behind, b"+", b"COUNT", _PAGE),
        ]
        return await self._client.run(
            Question("purges", pack(commands), 2, read, at=self._name, insists=True), self._client.limits.timeout
        )
