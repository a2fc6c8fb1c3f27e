"""Hears which keys' variants anybody changes in Redis: other processes, people, expiry, FLUSHALL. Reads nothing.

Server-assisted client-side caching in broadcast mode: Redis keeps no table of what we hold.
"""

from collections import OrderedDict
from collections.abc import Callable
from typing import Final

from proxy.store.redis_connection import RedisConnection
from proxy.store.redis_messages import INVALIDATIONS, RedisMessages
from proxy.store.redis_names import text_of, variants_prefix

MOST_SHORTENED: Final = 50_000
"""Names that do not say their key, of which we remember it; whose key is forgotten is doubted first."""

Doubt = Callable[[str | None], None]
"""Gets the text of a key that was changed; None where any may have been. Never raises, never waits."""


class RedisChanges:
    """Opened with the store that holds the keys, closed before its connections."""

    def __init__(self, dial: Callable[[], RedisConnection], namespace: str, connect_timeout: float) -> None:
        self._prefix = variants_prefix(namespace)
        self._messages = RedisMessages(dial, INVALIDATIONS, connect_timeout, changes_below=self._prefix)
        self._shortened: OrderedDict[bytes, str] = OrderedDict()
        self._doubt: Doubt | None = None
        self._messages.listen(self._hear)

    def open(self, doubt: Doubt) -> None:
        """Tell ``doubt`` of every change from now on."""
        self._doubt = doubt
        self._messages.open()

    async def close(self) -> None:
        """Hear nothing more. Idempotent."""
        await self._messages.close()

    @property
    def is_connected(self) -> bool:
        """Whether changes are heard of at this moment."""
        return self._messages.is_connected

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
