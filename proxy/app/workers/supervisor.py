"""Several workers on one port: binds it, keeps the crew, answers the admin listener for all, obeys signals.

SIGTERM or SIGINT drains all, a second one ends them at once; SIGUSR2 replaces all in turn; SIGHUP reloads. Answers no
client itself, and imports nothing that does.
"""

import asyncio
import logging
import signal
import socket
from collections.abc import Callable, Coroutine, Iterable, Sequence
from contextlib import AsyncExitStack, suppress
from pathlib import Path
from typing import Final

import uvloop
from aiohttp import web
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4

from proxy.app.announcing import announce
from proxy.app.listening import gate_of, listen, listen_privately, runtime_folder
from proxy.app.place import public_admin
from proxy.app.reloading import Reloading
from proxy.app.signals import ignore
from proxy.app.voice import set_up_logs
from proxy.app.workers.books import Books
from proxy.app.workers.crew import Crew, Doom
from proxy.app.workers.messages import PROTOCOL, Setup, Start
from proxy.app.workers.process import WorkerProcess, spawn
from proxy.clock import Clock, SystemClock
from proxy.config.load import Loaded
from proxy.config.problems import InvalidConfigError
from proxy.config.reload import settle
from proxy.edge.admin.front import FrontParts, make_front_app, tell_mode
from proxy.edge.admin.inner import GoneError, Inner
from proxy.edge.server.binding import bind
from proxy.errors import ConfigError
from proxy.exchange.operating import ModeSwitch
from proxy.exchange.residence import Residence
from proxy.store.disk_folder import DataFolder
from proxy.store.hub.server import Hub
from proxy.telemetry.keys import merge_tops
from proxy.telemetry.logs import dropped
from proxy.telemetry.metrics import dropped_lines

LOG: Final = logging.getLogger("tambo")
_STATS: Final = "/admin/stats"
BOOKS: Final = 2.0
"""Seconds between two looks at what the workers have counted: what one that is killed has counted since is lost."""
Options = Sequence[tuple[str, str, str]]


class Supervisor:
    """One run."""

    def __init__(self, loaded: Loaded, read: Callable[[], Loaded], options: Options, clock: Clock) -> None:
        self._loaded = loaded
        self._options = tuple(options)
        self._first = self._now = self._setup(loaded)
        self._reloading = Reloading(read, self._follow)
        self._clock = clock
        self._books = Books(clock)
        self._switch = ModeSwitch(clock, Residence())
        self._inners: dict[int, Inner] = {}
        self._is_stopping = False
        self._told = asyncio.Event()
        self._opened = AsyncExitStack()
        self._sockets: list[socket.socket]
        self._hub: Path | None = None
        self._runtime: Path
        self._crew: Crew
        self.admin_address: tuple[str, int]

    def _setup(self, loaded: Loaded) -> Setup:
        text = loaded.text
        return Setup(None if text is None else text.shown, "" if text is None else text.text, self._options)

    async def run(self) -> int:
        """Serve until told to stop: the exit code. Raises ConfigError and OSError where nothing could be begun."""
        ignore(signal.SIGHUP, signal.SIGUSR2)
        async with self._opened:
            await self._open()
            loop = asyncio.get_running_loop()
            for number in (signal.SIGTERM, signal.SIGINT):
                loop.add_signal_handler(number, self._end)
            self._crew.start()
            doom = await self._first_of_all()
            if doom is None and not self._told.is_set():
                public = self._sockets[0].getsockname()[:2]
                announce(self._loaded.config, public, self.admin_address, len(self._crew.serving))
                await self._until_told()
            await self._stop()
        if doom is None:
            return 0
        if doom.is_config:
            key, _, words = doom.reason.partition(": ")
            raise ConfigError(key, words)
        raise OSError(f"no worker can start: {doom.reason}")

    # Beginning -----------------------------------------------------------------------------------------------------

    async def _open(self) -> None:
        config = self._loaded.config
        self._runtime = runtime_folder(self._opened)
        if config.store.redis_url is None:
            await self._open_hub(Path(config.store.data_dir))
        self._sockets = await bind(config.listen.host, config.listen.port)
        self._opened.callback(self._close_sockets)
        await self._open_admin()
        self._crew = Crew(config.listen.workers, lambda: spawn(self._sockets), self._start, self, self._clock)

    async def _open_hub(self, folder: Path) -> None:
        """Hold the embedded store's folder, and have the workers meet. Raises ConfigError: another Tambo holds it."""
        held = DataFolder(folder)
        self._opened.callback(held.release)
        try:
            held.claim()
        except OSError as error:  # a store that cannot be written is a miss, here as everywhere
            LOG.warning("the folder of the embedded store cannot be held", extra={"detail": str(error)})
        hub = Hub(self._clock)
        self._hub = self._runtime / "hub.sock"
        await hub.start(self._hub)
        self._opened.push_async_callback(hub.close)

    async def _open_admin(self) -> None:
        admin = self._loaded.config.admin
        self.admin_address = await listen(self._front(is_public=False), admin, self._opened)
        if admin.prefix is not None:
            await listen_privately(self._front(is_public=True), public_admin(self._runtime), self._opened)

    def _front(self, *, is_public: bool) -> web.Application:
        return make_front_app(
            FrontParts(
                lambda: gate_of(self._loaded.config.admin, is_public=is_public),
                *(self._workers, self._unready, self._merged),
                metrics_type=CONTENT_TYPE_PLAIN_0_0_4,
                merges={_STATS: self._books.figures, "/admin/top": lambda told: merge_tops([each for _, each in told])},
                switch=self._switch,
                reload=self._reloading.reload,
            )
        )

    def _start(self, number: int) -> Start:
        return Start(
            number,
            None if self._hub is None else str(self._hub),
            str(self._runtime),
            tuple(sock.fileno() for sock in self._sockets),
            self._first,
            self._now,
            self._reloading.generation,
            self._switch.mode.value,
            self._switch.now.seconds_left,
            PROTOCOL,
        )

    async def _first_of_all(self) -> Doom | None:
        """Wait until every place is taken, or nobody can take one, or a signal came first."""
        complete, told = asyncio.ensure_future(self._crew.complete.wait()), asyncio.ensure_future(self._told.wait())
        await asyncio.wait((complete, told, self._crew.doomed), return_when=asyncio.FIRST_COMPLETED)
        for task in (complete, told):
            task.cancel()
        return self._crew.doomed.result() if self._crew.doomed.done() else None

    # Running -------------------------------------------------------------------------------------------------------

    async def _until_told(self) -> None:
        loop = asyncio.get_running_loop()
        async with asyncio.TaskGroup() as errands:
            tasks = set[asyncio.Task[None]]()

            def begin(errand: Coroutine[None, None, None]) -> None:
                task = errands.create_task(errand)
                tasks.add(task)
                task.add_done_callback(tasks.discard)

            begin(self._keep_books())
            loop.add_signal_handler(signal.SIGHUP, lambda: begin(self._reload()))
            loop.add_signal_handler(signal.SIGUSR2, lambda: begin(self._roll()))
            await self._told.wait()
            ignore(signal.SIGHUP, signal.SIGUSR2)
            self._is_stopping = True  # at once, whatever is under way: whoever asks /readyz is told
            for task in tasks:
                task.cancel()

    async def _keep_books(self) -> None:
        """Know what each worker has counted, though nobody asks: who is killed cannot tell any more."""
        while True:
            await asyncio.sleep(BOOKS)
            await asyncio.gather(*(self._read_book(*each) for each in self._workers()))

    async def _read_book(self, number: int, inner: Inner) -> None:
        with suppress(GoneError):
            metrics, figures = await inner.ask("GET", "/metrics"), await inner.ask("GET", _STATS)
            if metrics.status == figures.status == web.HTTPOk.status_code:
                self._books.note(number, metrics.body, figures.body)

    async def _reload(self) -> None:
        await self._reloading.try_reload("SIGHUP")

    async def _roll(self) -> None:
        LOG.info("rolling restart begins")
        if await self._crew.roll():
            LOG.info("rolling restart done")

    async def _follow(self, wanted: Loaded) -> tuple[str, ...]:
        settled = settle(self._loaded, wanted)
        setup, generation = self._setup(wanted), self._reloading.generation + 1
        problem = await self._crew.follow(setup, generation)
        if problem is not None:
            raise InvalidConfigError([ConfigError("workers", problem)])
        self._loaded, self._now = settled.loaded, setup
        return settled.needs_restart

    async def came(self, worker: WorkerProcess) -> None:
        """See Watcher."""
        self._books.come(worker.number)
        inner = self._inners[worker.number] = Inner(self._start(worker.number).place.admin)
        if self._switch.mode.value != worker.mode:
            await tell_mode(inner, self._switch, "supervisor")

    async def went(self, worker: WorkerProcess) -> None:
        """See Watcher."""
        self._books.depart(worker.number, worker.counted)
        inner = self._inners.pop(worker.number, None)
        if inner is not None:
            await inner.close()

    def _workers(self) -> list[tuple[int, Inner]]:
        """Who can be asked, those that serve first: one that was replaced is asked for its numbers still."""
        serving = [worker.number for worker in self._crew.serving]
        order = [*serving, *(number for number in self._inners if number not in serving)]
        return [(number, self._inners[number]) for number in order if number in self._inners]

    def _unready(self) -> str | None:
        if self._is_stopping:
            return "stopping"
        return None if self._crew.serving else "no worker serves"

    def _merged(self, told: Sequence[tuple[int, bytes]]) -> bytes:
        return self._books.exposition(told, self._own())

    def _own(self) -> Iterable[Metric]:
        text = "Worker processes that serve."
        yield GaugeMetricFamily("tambo_workers", text, value=len(self._crew.serving))
        text = "Worker processes that were replaced: they crashed, or all were in turn."
        restarts = CounterMetricFamily("tambo_worker_restarts", text, labels=("reason",))
        restarts.add_metric(("crash",), self._crew.crashes)
        restarts.add_metric(("rolling",), self._crew.replaced)
        yield restarts
        yield dropped_lines(dropped())

    # Ending --------------------------------------------------------------------------------------------------------

    def _end(self) -> None:
        if self._told.is_set():
            self._crew.end_now()
        self._told.set()

    async def _stop(self) -> None:
        stopping, total = self._loaded.config.stopping, self._loaded.config.upstream.timeout.total
        drain = total if stopping.drain_timeout is None else stopping.drain_timeout
        self._is_stopping = True
        self._close_sockets()  # the workers have theirs, until each has taken what is in the queue
        LOG.info("stopping", extra={"workers": len(self._crew.serving)})
        await self._crew.stop(drain + stopping.lame_duck)
        LOG.info("stopped")

    def _close_sockets(self) -> None:
        for sock in self._sockets:
            sock.close()


def run(loaded: Loaded, read: Callable[[], Loaded], options: Options) -> int:
    """Serve until told to stop: 0; 1 where an address is taken or no worker can start. Raises ConfigError."""
    set_up_logs(loaded.config)
    for warning in loaded.warnings:
        LOG.warning(warning)

    async def supervise() -> int:
        return await Supervisor(loaded, read, options, SystemClock()).run()

    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            return runner.run(supervise())
    except OSError as error:
        LOG.error("cannot start: %s", error)  # noqa: TRY400 - the operator needs the reason, not our stack
        return 1
