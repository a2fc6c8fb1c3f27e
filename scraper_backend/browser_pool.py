"""A bounded pool of browsers as an engine: made when needed, one visitor at a time, renewed by age, count and crash.

Each browser has one thread, in which everything it does happens. The event loop never waits for one.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from typing import Any, Final, ParamSpec, TypeVar

from scraper_backend import processes
from scraper_backend.admission import Pacer, Slots
from scraper_backend.browser import Browser, Chromium
from scraper_backend.engine import Session
from scraper_backend.pages import Fields, Gone, Seen, Sign, Silence, classify
from scraper_backend.settings import Settings

log = logging.getLogger(__name__)

QUIT_WITHIN: Final = 5.0
"""Seconds a browser gets to end in good order."""

CLOSE_WITHIN: Final = 20.0
"""Seconds for everything to end when the pool is closed."""

_P = ParamSpec("_P")
_T = TypeVar("_T")


class _Held:
    """A browser with its thread and its history."""

    def __init__(self, browser: Browser, thread: ThreadPoolExecutor, born: float) -> None:
        self.browser = browser
        self.thread = thread
        self.born = born
        self.lookups = 0
        self.spoilt = False
        self.retirement: asyncio.TimerHandle | None = None

    async def do(self, act: Callable[_P, _T], *args: _P.args, **kwargs: _P.kwargs) -> _T:
        """Run in the browser's thread. Cancelled half-way, the browser is in an unknown state and must go."""
        try:
            return await asyncio.get_running_loop().run_in_executor(self.thread, lambda: act(*args, **kwargs))
        except asyncio.CancelledError:
            self.spoilt = True
            raise


class _BrowserSession:
    def __init__(self, held: _Held, pacer: Pacer) -> None:
        self._held = held
        self._pacer = pacer

    async def query(self, ruc: str) -> Seen:
        """Open the form, type, press the button."""
        form = await self._see(self._held.browser.open_form)
        if classify(form) is not Sign.FORM:
            return form
        return await self._see(self._held.browser.submit, ruc)

    async def post(self, fields: Fields) -> Seen:
        """Post from the page that is shown."""
        return await self._see(self._held.browser.post, fields)

    async def _see(self, act: Callable[_P, Seen], *args: _P.args, **kwargs: _P.kwargs) -> Seen:
        if self._held.spoilt:
            return Gone("the browser was given up")
        await self._pacer.turn()
        seen = await self._held.do(act, *args, **kwargs)
        if isinstance(seen, Gone | Silence):
            self._held.spoilt = True
            log.warning("a browser is given up: %s", seen)
        return seen


class _NoBrowser:
    """The session of a browser that could not be started."""

    async def query(self, ruc: str) -> Seen:
        """Nothing is seen."""
        return Gone("could not be started")

    async def post(self, fields: Fields) -> Seen:
        """Nothing is seen."""
        return Gone("could not be started")


class BrowserEngine:
    """Sessions that are browsers without a past."""

    name = "selenium"

    def __init__(self, settings: Settings, chromium: Chromium) -> None:
        self.slots = Slots(settings.sessions, settings.queue, settings.queue_timeout)
        self._settings = settings
        self._chromium = chromium
        self._pacer = Pacer(settings.pace)
        self._all: set[_Held] = set()
        self._idle: list[_Held] = []
        self._chores: set[asyncio.Task[Any]] = set()
        self._closing = False

    @asynccontextmanager
    async def session(self) -> AsyncIterator[Session]:
        """Lend a browser to one visitor. It is given back, or ended, before its place is free again."""
        async with self.slots.hold():
            held = await self._take()
            if held is None:
                yield _NoBrowser()
                return
            held.lookups += 1
            try:
                yield _BrowserSession(held, self._pacer)
            finally:
                await asyncio.shield(self._task(self._give_back(held)))

    async def close(self) -> None:
        """End every browser, those that are just starting too."""
        self._closing = True
        for held in self._idle:
            self._start(self._dispose(held))
        self._idle.clear()
        try:
            async with asyncio.timeout(CLOSE_WITHIN):
                while self._chores:
                    await asyncio.wait(self._chores)
        except TimeoutError:
            log.error("killing %d browsers that would not end", len(self._all))  # noqa: TRY400  the trace would say no more
        for held in self._all:
            held.browser.kill()
        processes.reap()

    async def _take(self) -> _Held | None:
        """Return an idle browser that is fit, else a new one; None when none can be started."""
        while self._idle:
            held = self._idle.pop()
            if held.retirement:
                held.retirement.cancel()
            if not self._is_old(held) and await self._is_fit(held):
                return held
            await asyncio.shield(self._task(self._dispose(held)))
        launch = self._task(self._launch())
        try:
            return await asyncio.shield(launch)
        except asyncio.CancelledError:
            launch.add_done_callback(self._keep)  # nobody waits for it any more; the next look-up may have it
            raise

    async def _is_fit(self, held: _Held) -> bool:
        try:
            return await held.do(held.browser.reset)
        except asyncio.CancelledError:
            self._start(self._dispose(held))
            raise

    def _is_old(self, held: _Held) -> bool:
        age = asyncio.get_running_loop().time() - held.born
        return held.lookups >= self._settings.browser_lookups or age >= self._settings.browser_age

    async def _launch(self) -> _Held | None:
        thread = ThreadPoolExecutor(1, "chromium")
        loop = asyncio.get_running_loop()
        try:
            browser = await loop.run_in_executor(thread, Browser, self._chromium, self._settings)
        except Exception as error:  # noqa: BLE001  whatever keeps a browser from starting, the look-up goes on to say so
            thread.shutdown(wait=False)
            log.warning("no browser: %s", (str(error) or type(error).__name__).splitlines()[0])
            return None
        held = _Held(browser, thread, loop.time())
        self._all.add(held)
        return held

    def _keep(self, launch: asyncio.Task[_Held | None]) -> None:
        held = None if launch.cancelled() else launch.result()
        if held is not None:
            self._start(self._give_back(held))

    async def _give_back(self, held: _Held) -> None:
        surplus = len(self._all) > self.slots.size
        if held.spoilt or surplus or self._closing or self._is_old(held):
            await self._dispose(held)
            return
        self._idle.append(held)
        loop = asyncio.get_running_loop()
        held.retirement = loop.call_later(self._settings.browser_idle, self._retire, held)

    def _retire(self, held: _Held) -> None:
        if held in self._idle:
            self._idle.remove(held)
            self._start(self._dispose(held))

    async def _dispose(self, held: _Held) -> None:
        """End a browser: in good order if it can, by force if not."""
        if held.spoilt:
            await asyncio.to_thread(held.browser.release)  # frees its thread, should that wait for the page
        try:
            async with asyncio.timeout(QUIT_WITHIN):
                await held.do(held.browser.quit)
        except TimeoutError:
            await asyncio.to_thread(held.browser.kill)
        held.thread.shutdown(wait=False)
        self._all.discard(held)
        processes.reap()

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        """Do it in the background; `close` waits for it."""
        _ = self._task(work)

    def _task(self, work: Coroutine[Any, Any, _T]) -> asyncio.Task[_T]:
        task = asyncio.get_running_loop().create_task(work)
        self._chores.add(task)
        task.add_done_callback(self._chores.discard)
        return task
