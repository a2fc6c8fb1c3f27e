"""Fetches again what a refresh purge has ended: behind everything else, some at a time, each by the request that
brought it. Answers nobody; what it does not come to is fetched when it is asked for, as after a soft purge."""

import asyncio
import logging
from collections.abc import Callable
from typing import Final

from proxy.errors import StoreUnavailable
from proxy.exchange.ask import Ask
from proxy.exchange.causes import Cause
from proxy.exchange.inventory import Inventory, Row
from proxy.exchange.operating import ModeSwitch, OperatingMode
from proxy.exchange.purges import Purge, PurgeKind
from proxy.exchange.serve import Exchange
from proxy.policy.cache_key import CacheKey, has_kin
from proxy.policy.disposition import PassThrough
from proxy.policy.messages import Fields, RequestHead
from proxy.policy.route import Match, match_route
from proxy.policy.storability import admit
from proxy.policy.validation import conditional

LOG: Final = logging.getLogger("tambo.purge")

MOST: Final = 1_000
"""Responses that one purge fetches again."""
MOST_PURGES: Final = 16
"""Whose responses are being fetched again at once; for one more, nothing is."""
AT_ONCE: Final = 2
"""Fetches of one purge."""
_PAGE: Final = 100
_BREATH: Final = 0.01
_CREDENTIALS: Final = frozenset({"authorization", "cookie"})


class Refetching:
    """One task for each refresh purge. ``follow`` before ``begin``."""

    def __init__(self, inventory: Inventory, switch: ModeSwitch, on_bug: Callable[[str, BaseException], None]) -> None:
        self._inventory = inventory
        self._switch = switch
        self._on_bug = on_bug
        self._exchange: Exchange | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    def follow(self, exchange: Exchange) -> None:
        """Fetch by these routes from now on."""
        self._exchange = exchange

    def begin(self, purge: Purge, position: int) -> None:
        """Fetch again what this purge, at its place in the log, has ended."""
        if len(self._tasks) >= MOST_PURGES:
            LOG.warning("nothing is refreshed: too many purges are", extra={"kind": purge.kind.value})
            return
        task = asyncio.create_task(self._work(purge, position))  # noqa: TID251 - owned: close() ends it
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    async def close(self) -> None:
        """Begin no further fetch; those under way belong to their flights. Idempotent."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def settled(self) -> None:
        """Wait for what is under way now."""
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            self._on_bug("refetching", error)

    async def _work(self, purge: Purge, position: int) -> None:
        places = asyncio.Semaphore(1 if purge.kind is PurgeKind.URL else AT_ONCE)
        begun, cursor = 0, b""
        async with asyncio.TaskGroup() as group:
            while begun < MOST:
                try:
                    page = await self._inventory.page(purge, cursor, _PAGE)
                except StoreUnavailable as error:  # not to be raised: it would end what has begun
                    LOG.warning("the rest is refreshed when it is asked for", extra={"detail": error.detail})
                    break
                for row in page.rows:
                    if begun < MOST and row.stored.is_ended and row.stored.position < position:
                        await places.acquire()
                        group.create_task(self._refetch(row, places))
                        begun += 1
                cursor = page.cursor
                if not cursor:
                    break
                await asyncio.sleep(_BREATH)
        said = {"kind": purge.kind.value, "argument": purge.argument, "position": position}
        LOG.info("refreshed", extra=said | {"count": begun, "rest": bool(cursor) or None})

    async def _refetch(self, row: Row, places: asyncio.Semaphore) -> None:
        try:
            ask = await self._ask(row)
            if ask is not None and self._exchange is not None:
                launcher = self._exchange.launcher
                launcher.behind(ask, Cause.WARM)
                flight = launcher.joinable(ask)
                if flight is not None:
                    await asyncio.shield(flight.outcome)
        except StoreUnavailable:
            return  # it is fetched when it is asked for
        finally:
            places.release()

    async def _ask(self, row: Row) -> Ask | None:
        """The request that brought it, as far as that is known; None: nothing is to be fetched for it now."""
        exchange = self._exchange
        if exchange is None or self._switch.mode is not OperatingMode.NORMAL:
            return None
        found = _request_of(row, exchange)
        if found is None:
            return None
        request, match = found
        admission = admit(request, match.route)
        key = exchange.refresher.keys.of(request, match)
        if isinstance(admission, PassThrough) or (has_kin(row.key) and key.text != row.key):
            return None  # what was asked for with content is not known any more
        looked = await exchange.store.lookup(key)
        like = (each for each in looked.candidates if each.secondary_key == row.stored.secondary_key)
        stored = next(like, None)
        if stored is None or not stored.is_ended:
            return None  # somebody was faster
        return Ask(request, match, key, admission, looked.position, stale=stored, conditional=conditional(stored))


def _request_of(row: Row, exchange: Exchange) -> tuple[RequestHead, Match] | None:
    selecting = [(name, value) for name, value in row.stored.secondary_key if value is not None]
    if any(name in _CREDENTIALS for name, _ in selecting):
        return None
    request = RequestHead("GET", row.stored.target, Fields(selecting))
    match = match_route(exchange.routes, "GET", request.path)
    if match.route.key.host:
        authority = _authority(CacheKey(row.key, row.stored.target))
        request = RequestHead("GET", row.stored.target, Fields(selecting), authority=authority)
    return request, match


def _authority(key: CacheKey) -> str:
    """Of a key in which the host counts: what stands before its first slash."""
    return key.text.partition("/")[0]
