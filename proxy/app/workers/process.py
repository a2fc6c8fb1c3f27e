"""One worker process as the supervisor sees it: starts it, talks to it, learns of its end. Decides nothing."""

import asyncio
import logging
import signal
import socket
import sys
from collections.abc import Sequence
from typing import Final

from proxy.app.workers.channel import Channel, to_worker
from proxy.app.workers.messages import (
    Commit,
    Counted,
    Failed,
    Followed,
    Prepare,
    Prepared,
    Ready,
    Retire,
    Start,
    Word,
)

LOG: Final = logging.getLogger("tambo.workers")
PATIENCE: Final = 60.0
"""Seconds that a worker may take to start, or to answer an order."""


class CannotServeError(Exception):
    """A worker that did not come so far as to serve. ``is_config``: the configuration is why."""

    def __init__(self, reason: str, *, is_config: bool = False) -> None:
        super().__init__(reason)
        self.is_config = is_config


class WorkerProcess:
    """Made by ``spawn``."""

    def __init__(self, process: asyncio.subprocess.Process, channel: Channel[Word]) -> None:
        self._process = process
        self._channel = channel
        self._answers: asyncio.Queue[Word | None] = asyncio.Queue()
        self.number = 0
        """Given with its order to start."""
        self.generation = 0
        """Of the configuration that it follows."""
        self.mode = ""
        """In which it was told to start."""
        self.counted: Counted | None = None
        """What it had counted, told at its end."""
        self.is_leaving = False
        self.ended: asyncio.Future[int] = asyncio.ensure_future(self._watch())
        """Its exit code: below 0, the signal that killed it."""

    @property
    def pid(self) -> int:
        """The process's id."""
        return self._process.pid

    async def begin(self, start: Start) -> None:
        """Have it serve. Raises CannotServeError; then it has ended."""
        self.number, self.generation, self.mode = start.number, start.generation, start.mode
        word = await self._asked(start)
        if isinstance(word, Ready):
            return
        self.kill()
        code = await self.ended
        if isinstance(word, Failed):
            raise CannotServeError(word.reason, is_config=word.is_config)
        raise CannotServeError(f"it {how_ended(code)} before it could serve")

    async def prepare(self, order: Prepare) -> str | None:
        """Make it ready to follow a configuration: why it cannot. One that has ended needs nothing."""
        word = await self._asked(order)
        return word.problem if isinstance(word, Prepared) else None

    async def commit(self, generation: int) -> None:
        """Have it follow what was prepared."""
        if isinstance(await self._asked(Commit()), Followed):
            self.generation = generation

    async def retire(self) -> None:
        """Have it end once those who are with it have gone."""
        self.is_leaving = True
        await self._channel.say(Retire())

    def terminate(self) -> None:
        """Have it drain and end."""
        self.is_leaving = True
        self._send(signal.SIGTERM)

    def hurry(self) -> None:
        """Have it end now, as one whose supervisor has gone: two signals so soon one after the other may be one."""
        self.is_leaving = True
        self._channel.close()

    def kill(self) -> None:
        """End it."""
        self._send(signal.SIGKILL)

    def dismiss(self) -> None:
        """End one that has not been ordered to start."""
        self.is_leaving = True
        self._channel.close()

    def _send(self, number: int) -> None:
        if not self.ended.done():
            try:
                self._process.send_signal(number)
            except ProcessLookupError:
                return

    async def _asked(self, order: Start | Prepare | Commit) -> Word | None:
        """Its answer; None: it has ended, or does not answer and is ended."""
        if self.ended.done():
            return None
        await self._channel.say(order)
        try:
            async with asyncio.timeout(PATIENCE):
                return await self._answers.get()
        except TimeoutError:
            self.kill()
            return None

    async def _watch(self) -> int:
        while (word := await self._channel.hear()) is not None:
            if isinstance(word, Counted):
                self.counted = word
            else:
                self._answers.put_nowait(word)
        code = await self._process.wait()
        self._channel.close()
        self._answers.put_nowait(None)
        return code


def how_ended(code: int) -> str:
    """In words."""
    return f"was killed by {signal.Signals(-code).name}" if code < 0 else f"ended with exit code {code}"


async def spawn(sockets: Sequence[socket.socket]) -> WorkerProcess:
    """Start a process that imports everything and then waits for its order; it inherits ``sockets``. Raises OSError."""
    ours, theirs = socket.socketpair()
    with theirs:
        handed = [theirs.fileno(), *(sock.fileno() for sock in sockets)]
        try:
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-P", "-m", "proxy.app.workers.worker", str(theirs.fileno())),
                stdin=asyncio.subprocess.DEVNULL,
                pass_fds=handed,
                start_new_session=True,  # a terminal's Ctrl-C is the supervisor's, which tells its workers
            )
        except BaseException:
            ours.close()
            raise
    return WorkerProcess(process, await to_worker(ours))
