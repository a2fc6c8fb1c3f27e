"""Hears which keys' variants anybody changes in Redis: other processes, people, expiry, FLUSHALL. Reads nothing.

Server-assisted client-side caching in broadcast mode: Redis keeps no table of what we hold.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Callable
from typing import Final

from proxy.store.redis_address import Place
from proxy.store.redis_messages import INVALIDATIONS, RedisMessages
from proxy.store.redis_names import text_of, variants_prefix
from proxy.store.redis_question import Nodes, Redis

MOST_SHORTENED: Final = 50_000
"""Names that do not say their key, of which we remember it; whose key is forgotten is doubted first."""

Doubt = Callable[[str | None], None]
"""Gets the text of a key that was changed; None where any may have been. Never raises, never waits."""


class RedisChanges:
    """Opened with the store that holds the keys, closed before its connections. Listens to every primary."""

    def __init__(self, redis: Redis, namespace: str, connect_timeout: float) -> None:
        self._redis = redis
        self._connect_timeout = connect_timeout
        self._prefix = variants_prefix(namespace)
        self._messages: dict[Place | None, RedisMessages] = {}
        self._shortened: OrderedDict[bytes, str] = OrderedDict()
        self._doubt: Doubt | None = None
        self._closing: set[asyncio.Task[None]] = set()

    def open(self, doubt: Doubt) -> None:
        """Tell ``doubt`` of every change from now on."""
        self._doubt = doubt
        self._redis.follow(self._meet)

    async def close(self) -> None:
        """Hear nothing more. Idempotent."""
        self._doubt = None
        self._meet({})
        await asyncio.gather(*self._closing)

    @property
    def is_connected(self) -> bool:
        """Whether changes are heard of at this moment."""
        return bool(self._messages) and all(each.is_connected for each in self._messages.values())

    def _meet(self, nodes: Nodes) -> None:
        """The primaries are others now: what any of them said before may have been missed."""
        left = [place for place in self._messages if place not in nodes]
        for place in left:
            task = asyncio.get_running_loop().create_task(self._messages.pop(place).close())
            self._closing.add(task)
            task.add_done_callback(self._closing.discard)
        if self._doubt is None:
            return
        for place, dial in nodes.items():
            if place not in self._messages:
                messages = RedisMessages(dial, INVALIDATIONS, self._connect_timeout, changes_below=self._prefix)
                messages.listen(self._hear)
                messages.open()
                self._messages[place] = messages
        if left:
            self._doubt(None)

    def note(self, name: bytes, text: str) -> None:
        """A hash that is read or written, and the text of its key."""
        if b"#" not in name or self._doubt is None:
            return
        self._shortened[name] = text
        self._shortened.move_to_end(name)
        if len(self._shortened) > MOST_SHORTENED:
            self._doubt(self._shortened.popitem(last=False)[1])

    def _hear(self, name: bytes) -> None:
        if self._doubt is None:
            return
        if not name.startswith(self._prefix):
            self._doubt(None)
            return
        text = self._shortened.get(name) if b"#" in name else text_of(name, self._prefix)
        if text is not None:
            self._doubt(text)
