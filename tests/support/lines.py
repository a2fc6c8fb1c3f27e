"""Cables in a process of their own: what passes them does not wait for whoever loads and measures. Judges nothing."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

from tests.support.cable import Cable


class Line:
    """One of the cables, from here: each method has happened there when it returns."""

    def __init__(self, process: asyncio.subprocess.Process, turn: asyncio.Lock, number: int, port: int) -> None:
        self._process = process
        self._turn = turn
        self._number = number
        self.port = port

    async def cut(self) -> None:
        """See Cable."""
        await self._do("cut")

    async def deaden(self) -> None:
        """See Cable."""
        await self._do("deaden")

    async def mend(self) -> None:
        """See Cable."""
        await self._do("mend")

    async def _do(self, word: str) -> None:
        stdin, stdout = self._process.stdin, self._process.stdout
        assert stdin is not None
        assert stdout is not None
        async with self._turn:
            stdin.write(f"{word} {self._number}\n".encode())
            await stdout.readline()


@asynccontextmanager
async def lines(far: int, count: int) -> AsyncIterator[list[Line]]:
    """So many cables to one port of loopback, meanwhile."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.support.lines", str(far), str(count)),
        env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])},
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        async with asyncio.timeout(20):
            ports = (await process.stdout.readline()).split()
        turn = asyncio.Lock()
        yield [Line(process, turn, number, int(port)) for number, port in enumerate(ports)]
    finally:
        process.stdin.close()  # its end
        await process.wait()


async def _serve(far: int, count: int) -> None:
    """Lay them, say their ports, and do as each line of standard input says until that ends."""
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    async with AsyncExitStack() as stack:
        cables = [await stack.enter_async_context(Cable(far).laid()) for _ in range(count)]
        print(*(cable.port for cable in cables), flush=True)
        while words := (await reader.readline()).decode().split():
            word, number = words
            getattr(cables[int(number)], word)()
            print("done", flush=True)


if __name__ == "__main__":
    asyncio.run(_serve(*map(int, sys.argv[1:])))
