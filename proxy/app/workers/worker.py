"""A worker process: serves the sockets it inherited, obeys the supervisor, and ends when that is gone. Starts nobody.

Run as ``python -m proxy.app.workers.worker FD``. Until its order to start comes it waits with everything imported: one
that waits so takes the place of one that crashed at once.
"""

import asyncio
import logging
import os
import signal
import socket
import sys
from typing import assert_never

import uvloop

from proxy.app.application import App
from proxy.app.garbage import Garbage
from proxy.app.voice import set_up_logs
from proxy.app.workers.channel import Channel, to_supervisor
from proxy.app.workers.messages import (
    PROTOCOL,
    Commit,
    Counted,
    Failed,
    Followed,
    Order,
    Prepare,
    Prepared,
    Ready,
    Retire,
    Setup,
    Start,
)
from proxy.config.load import Loaded, assemble
from proxy.config.problems import InvalidConfigError
from proxy.config.reload import settle
from proxy.errors import ConfigError, ProxyError
from proxy.exchange.operating import OperatingMode

LOG = logging.getLogger("tambo")
_OTHER_RELEASE = (
    "the supervisor is of another release (it speaks protocol {}, the worker {}): "
    "end it and start the new one; a rolling restart cannot replace the supervisor"
)
PARTING = 2.0
"""Seconds in which those who are with a worker that was replaced may finish and go, before idle connections close."""


def read(setup: Setup) -> Loaded:
    """The configuration. Raises InvalidConfigError."""
    return assemble(os.environ, setup.file, options=setup.options)


class Worker:
    """One run."""

    def __init__(self, channel: Channel[Order], start: Start) -> None:
        self._channel = channel
        self._start = start
        self._generation = start.generation
        self._prepared: tuple[Loaded, int] | None = None
        self._told = asyncio.Event()
        self._hurry = asyncio.Event()
        self._parting = 0.0
        self._app: App

    async def run(self) -> int:
        """Serve until told to end: the exit code."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._end)
        if self._start.protocol != PROTOCOL:
            await self._channel.say(Failed(_OTHER_RELEASE.format(self._start.protocol, PROTOCOL), is_config=False))
            return 1
        try:
            await self._begin()
        except (ProxyError, OSError) as error:
            await self._channel.say(Failed(str(error), isinstance(error, ConfigError | InvalidConfigError)))
            return 1
        garbage = Garbage()
        garbage.start()
        await self._channel.say(Ready())
        obeying = asyncio.ensure_future(self._obey())
        await self._told.wait()
        await self._app.stop(self._hurry, parting=self._parting)
        garbage.stop()
        obeying.cancel()
        await asyncio.gather(obeying, return_exceptions=True)
        await self._channel.say(Counted(self._app.metrics().decode(), self._app.figures()))
        return 0

    def _end(self) -> None:
        (self._hurry if self._told.is_set() else self._told).set()

    async def _begin(self) -> None:
        start = self._start
        loaded = settle(read(start.first), read(start.now)).loaded
        set_up_logs(loaded.config, worker=start.number)
        self._app = App(loaded, place=start.place)
        self._app.reloading.generation = start.generation
        if start.mode != OperatingMode.NORMAL:
            self._app.switch.set(OperatingMode(start.mode), start.mode_seconds, "supervisor")
        await self._app.start([socket.socket(fileno=number) for number in start.sockets])

    async def _obey(self) -> None:
        while (order := await self._channel.hear()) is not None:
            match order:
                case Prepare():
                    await self._channel.say(Prepared(self._prepare(order)))
                case Commit():
                    self._commit()
                    await self._channel.say(Followed())
                case Retire():
                    self._parting = PARTING
                    self._told.set()
                case Start():
                    pass  # once is enough
                case _:
                    assert_never(order)
        self._told.set()
        self._hurry.set()  # the supervisor has gone: nobody would ever end this process

    def _prepare(self, order: Prepare) -> str | None:
        try:
            self._prepared = read(order.now), order.generation
        except ProxyError as error:
            return str(error)
        return None

    def _commit(self) -> None:
        if self._prepared is None:
            return
        loaded, generation = self._prepared
        self._prepared = None
        self._app.follow(loaded)
        self._app.reloading.generation = generation
        set_up_logs(loaded.config, worker=self._start.number)


async def work(sock: socket.socket) -> int:
    """Wait for the order to start, and carry it out: the exit code."""
    channel = await to_supervisor(sock)
    try:
        order = await channel.hear()
        return await Worker(channel, order).run() if isinstance(order, Start) else 0
    finally:
        await channel.closed()


def main() -> int:
    """The process."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(work(socket.socket(fileno=int(sys.argv[1]))))


if __name__ == "__main__":
    sys.exit(main())
