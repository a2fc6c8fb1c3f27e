"""The places at the upstream, counted for a whole fleet in a sorted set in Redis. Satisfies proxy.exchange.seats.Seats;
queues nobody of this process.

Its members are who holds a place and which process waits for one, each with its end by the server's clock: whoever dies
gives back all by that. One script says everything about this process and learns everything: what it holds still, what
it has given back, whether and how urgently it waits. Processes stand in line by urgency, then by arrival, and at its
end again after each place they got. Where Redis stays out of use, a process keeps to the same number by itself; its
places are told when Redis is back, even when those make too many.
"""

import asyncio
import math
import secrets
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Final

from msgspec import Struct

from proxy.errors import StoreUnavailable
from proxy.exchange.causes import Priority
from proxy.exchange.seats import Seat
from proxy.store.lasting import lasting
from proxy.store.redis_lease import Pace
from proxy.store.redis_messages import RedisMessages
from proxy.store.redis_names import LASTING, seats_name
from proxy.store.redis_question import Command, Question, Redis, pack
from proxy.store.redis_transaction import number, sound


class SeatPace(Pace, frozen=True):
    """``alone``: seconds without Redis after which a process goes on by itself: a Redis slow for a moment (or a
    machine that was busy) must not multiply what the upstream gets. Less than ``life``, so that until then nobody's
    places have ended. ``settle``: seconds after having gone on alone until Redis is believed: by then everyone has told
    what it holds."""

    life: float = 3.0
    beat: float = 0.5
    alone: float = 2.0
    settle: float = 2.5


_PACE: Final = SeatPace()
_QUIET_BEATS: Final = 3
"""Beats in which everyone tells Redis again what it holds, once that has forgotten it."""
_FAULT_PAUSE: Final = 0.1
"""Seconds until Redis is asked again that did not answer but is not out of use yet."""
_MOST_GIVEN_BACK: Final = 1000
"""Places whose return is told when Redis answers again; what is beyond ends by itself."""

# ARGV: maximum, milliseconds, process, priority or nothing, the next place, channel, how many are held, these, and
# those given back. A member: h and the place; or w, priority, arrival in microseconds and the process that waits. The
# milliseconds are negative where the process stands in line. 1: the place is its; -1: Redis has forgotten it.
_TELL: Final = (
    b"""
local key, maximum, me, wanted = KEYS[1], tonumber(ARGV[1]), ARGV[3], ARGV[4]
local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
local ends, lost = now + math.abs(ARGV[2]), false
redis.call('ZREMRANGEBYSCORE', key, '-inf', now)
local last = 7 + tonumber(ARGV[7])
for at = 8, #ARGV do
  if at > last then redis.call('ZREM', key, 'h' .. ARGV[at])
  elseif redis.call('ZADD', key, ends, 'h' .. ARGV[at]) == 1 then lost = true end
end
local taken, line, mine = 0, {}, nil
for _, member in ipairs(redis.call('ZRANGE', key, 0, -1)) do
  if string.sub(member, 1, 1) == 'h' then taken = taken + 1
  elseif string.sub(member, 19) == me then mine = member
  else line[#line + 1] = member end
end
table.sort(line)
if lost or (tonumber(ARGV[2]) < 0 and not mine) then
  lost, wanted = true, ''
end
if mine and string.sub(mine, 2, 2) ~= wanted then
  redis.call('ZREM', key, mine)
  mine = nil
end
local given = 0
if wanted ~= '' then
  mine = mine or 'w' .. wanted .. string.format('%016.0f', clock[1] * 1000000 + clock[2]) .. me
  local ahead = 0
  for _, other in ipairs(line) do if other < mine then ahead = ahead + 1 end end
  if taken + ahead < maximum then
    given = 1
    taken = taken + 1
    redis.call('ZREM', key, mine)
    redis.call('ZADD', key, ends, 'h' .. ARGV[5])
  else
    redis.call('ZADD', key, ends, mine)
  end
end
for at = 1, math.min(#line, maximum - taken) do redis.call('PUBLISH', ARGV[6], 's' .. string.sub(line[at], 19)) end
if redis.call('EXISTS', key) == 1 then """
    + LASTING
    + b""" end
if lost then return -1 end
return given"""
)


class _Seat(Struct, frozen=True):
    """Satisfies proxy.exchange.seats.Seat."""

    token: bytes
    give_back: Callable[[bytes], None]

    def release(self) -> None:
        """See Seat."""
        self.give_back(self.token)


class RedisSeats:
    """``maximum`` places for everyone who shares the namespace; opened and closed with the client's Redis."""

    def __init__(
        self, client: Redis, messages: RedisMessages, namespace: str, maximum: int, pace: SeatPace = _PACE
    ) -> None:
        self._client = client
        self._channel = messages.channel
        self._name = seats_name(namespace)
        self._maximum = maximum
        self._pace = pace
        self._me = secrets.token_hex(8).encode()
        self._held: set[bytes] = set()
        self._given_back: list[bytes] = []
        self._wanted: Priority | None = None
        self._is_in_line = False
        self._since_alone = -math.inf
        self._quiet_until = -math.inf
        self._offer: Callable[[Seat], None] = _nobody
        self._kicked = asyncio.Event()
        self._working: asyncio.Task[None] | None = None
        messages.listen(self._hear)

    def open(self) -> None:
        """Begin to ask and to keep up what is held."""
        self._working = lasting(self._work, "places in Redis")

    def resize(self, maximum: int | None) -> None:
        """See Seats. Each Tambo counts by the number that it was told last."""
        if maximum is not None:
            self._maximum = maximum
            self._kicked.set()

    async def close(self) -> None:
        """Give back what is held and leave the line. Idempotent."""
        if self._working is None:
            return
        self._working.cancel()
        await asyncio.gather(self._working, return_exceptions=True)
        self._working, self._wanted = None, None
        self._given_back += self._held
        self._held.clear()
        with suppress(StoreUnavailable):
            await self._tell(b"", None)

    # Satisfies Seats -----------------------------------------------------------------------------------------------

    def serve(self, offer: Callable[[Seat], None]) -> None:
        """See Seats."""
        self._offer = offer

    def want(self, priority: Priority | None) -> None:
        """See Seats."""
        self._wanted = priority
        if priority is not None or self._is_in_line:
            self._kicked.set()

    # At work -------------------------------------------------------------------------------------------------------

    async def _work(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            is_concerned = self._held or self._given_back or self._is_in_line or self._wanted is not None
            with suppress(TimeoutError):
                async with asyncio.timeout(self._pace.beat if is_concerned else None):
                    await self._kicked.wait()
            self._kicked.clear()
            if not self._client.is_up:
                if self._client.out_for >= self._pace.alone:
                    self._since_alone = loop.time()
                    self._go_on_alone()
                continue
            is_trusted = loop.time() - self._since_alone >= self._pace.settle
            may_ask = is_trusted and loop.time() >= self._quiet_until
            token = secrets.token_hex(8).encode()
            try:
                is_given = await self._tell(token, self._wanted if may_ask else None)
            except StoreUnavailable:
                await asyncio.sleep(_FAULT_PAUSE)
                self._kicked.set()
                continue
            if is_given:
                self._hand_over(token)
            if not is_trusted:
                self._go_on_alone()

    async def _tell(self, token: bytes, wanted: Priority | None) -> bool:
        """Say what holds and is wanted; whether ``token`` is ours now. Raises StoreUnavailable."""
        given_back, held = self._given_back, tuple(self._held)
        self._given_back = []
        priority = b"" if wanted is None else int(wanted)
        span = int(self._pace.life * 1000) * (-1 if self._is_in_line else 1)
        said: Command = (self._maximum, span, self._me, priority, token, self._channel)
        places: Command = (len(held), *held, *given_back)
        question = Question("seats", pack([(b"EVAL", _TELL, 1, self._name, *said, *places)]), 1, _given, at=self._name)
        try:
            given = await self._client.run(question, self._client.limits.command_timeout)
        except BaseException:
            self._given_back = (given_back + self._given_back)[-_MOST_GIVEN_BACK:]
            raise
        if given < 0:  # a Redis that began anew: nobody asks it for a place until everyone has told what it holds
            self._quiet_until = asyncio.get_running_loop().time() + _QUIET_BEATS * self._pace.beat
        self._is_in_line = wanted is not None and given == 0
        return given > 0

    def _go_on_alone(self) -> None:
        self._is_in_line = False
        while self._wanted is not None and len(self._held) < self._maximum:
            self._hand_over(secrets.token_hex(8).encode())

    def _hand_over(self, token: bytes) -> None:
        self._held.add(token)
        self._wanted = None  # whoever is offered one says anew what is wanted
        self._offer(_Seat(token, self._take_back))

    def _take_back(self, token: bytes) -> None:
        self._held.discard(token)
        if self._working is not None:
            self._given_back = [*self._given_back, token][-_MOST_GIVEN_BACK:]
            self._kicked.set()

    def _hear(self, message: bytes) -> None:
        if message == b"s" + self._me or not message:
            self._kicked.set()


def _given(replies: list[Any]) -> int:
    return number(sound(replies[0]))


def _nobody(seat: Seat) -> None:
    seat.release()
