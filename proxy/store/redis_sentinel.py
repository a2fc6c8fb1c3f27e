"""Asks Sentinels which Redis is the primary at present. Connects to no Redis itself; fails over nothing."""

import logging
from typing import Final

from redis.exceptions import ConnectionError as RedisConnectionError

from proxy.store.redis_address import Place, RedisAddress
from proxy.store.redis_connection import FOREIGN, RedisConnection
from proxy.store.redis_question import pack
from proxy.store.redis_transaction import sound

_LOG: Final = logging.getLogger("tambo.store")
_MOST_BYTES: Final = 65_536


class Sentinels:
    """Satisfies proxy.store.redis_connection.Whereabouts. The one that answered last is asked first."""

    def __init__(self, address: RedisAddress, timeout: float) -> None:
        """``address`` has seeds and a service; ``timeout``: seconds for one Sentinel's answer."""
        self._address = address
        self._timeout = timeout
        self._seeds = list(address.seeds)
        self.place: Place | None = None

    async def find(self) -> tuple[Place, RedisAddress]:
        """See Whereabouts."""
        problem: Exception = RedisConnectionError("no Sentinel")
        for seed in tuple(self._seeds):
            try:
                found = await self._ask(seed)
            except (*FOREIGN, TimeoutError) as error:
                problem = error
                continue
            self._seeds.remove(seed)
            self._seeds.insert(0, seed)
            if self.place not in {None, found}:
                _LOG.warning("the primary of %s is now at %s:%d", self._address.service, *found)
            self.place = found
            return found, self._address.at(found)
        raise RedisConnectionError(f"no Sentinel knows the primary of {self._address.service!r}: {problem}")

    async def check(self, connection: RedisConnection) -> None:
        """See Whereabouts: a primary that was deposed a moment ago says so itself."""
        (role,) = await connection.exchange(pack([(b"ROLE",)]), 1)
        if not isinstance(sound(role), list) or not role or role[0] != b"master":
            raise RedisConnectionError("the Redis that Sentinel named is no primary")

    async def _ask(self, seed: Place) -> Place:
        connection = RedisConnection(self._address.of_sentinel(seed), self._timeout, _MOST_BYTES)
        try:
            await connection.open()
            asking = pack([(b"SENTINEL", b"GET-MASTER-ADDR-BY-NAME", self._address.service.encode())])
            (reply,) = await connection.exchange(asking, 1)
        finally:
            await connection.close()
        match sound(reply):
            case [bytes() as host, bytes() as port] if port.isdigit():
                return host.decode(), int(port)
            case _:
                raise RedisConnectionError(f"{seed[0]}:{seed[1]} does not know it")
