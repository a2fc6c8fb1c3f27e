"""The other workers, as the embedded store needs to know them. Satisfies proxy.store.company.Company; says and hears
which keys were changed, and stores nothing.
"""

import asyncio
from collections.abc import Callable
from typing import Final

from proxy.store.hub.client import HubClient
from proxy.store.hub.replica import HubReplica
from proxy.store.hub.words import Changed, Forgot

_MOST_AT_ONCE: Final = 100
_LONGEST_KEY: Final = 2048
"""Bytes of a key that is named to others; of a longer one, or one that is no text that can be sent, they are told that
any may have changed."""


class HubCompany:
    """Lives as long as the client it uses."""

    def __init__(self, client: HubClient, replica: HubReplica) -> None:
        self._client = client
        self._replica = replica
        self._doubt: Callable[[str | None], None] = _nothing
        self._changed: dict[str, None] = {}
        client.on(Changed, self._heard)
        client.on_connect(lambda: self._doubt(None))  # what was said meanwhile went by us
        client.on_loss(lambda: self._doubt(None))

    @property
    def keeps_house(self) -> bool:
        """See Company."""
        return self._replica.keeps_house

    @property
    def all_know(self) -> int:
        """See Company."""
        return self._replica.all_know

    def changed(self, text: str) -> None:
        """See Company."""
        if not self._changed:
            asyncio.get_running_loop().call_soon(self._tell)
        self._changed[text if _can_be_named(text) else ""] = None

    def forgot(self, position: int) -> None:
        """See Company."""
        self._client.say(Forgot(position))

    def watch(self, doubt: Callable[[str | None], None]) -> None:
        """See Company."""
        self._doubt = doubt

    def _tell(self) -> None:
        texts, self._changed = tuple(self._changed), {}
        for start in range(0, len(texts), _MOST_AT_ONCE):
            self._client.say(Changed(texts[start : start + _MOST_AT_ONCE]))

    def _heard(self, word: Changed) -> None:
        for text in word.keys:
            self._doubt(text or None)


def _can_be_named(text: str) -> bool:
    try:
        return len(text.encode()) <= _LONGEST_KEY
    except UnicodeEncodeError:
        return False


def _nothing(text: str | None) -> None:
    """Nobody watches yet."""
