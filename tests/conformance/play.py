"""Plays rows: an origin that says what each row's steps script, and a client that asks Tambo."""

import asyncio
import re
import socket
import struct
import time
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from tests.conformance.judge import Judge
from tests.conformance.scenario import Ends, How, Reply, Row, Step
from tests.conformance.wire import LIMIT, Message, exchange, read_body, read_head
from tests.support.tambo import Tambo

AT_ONCE = 12
PATIENCE = 20.0
"""Seconds in which a step must become true that waits for something: more than a busy machine takes."""
FORMS = {None: "%a, %d %b %Y %H:%M:%S GMT", "rfc850": "%A, %d-%b-%y %H:%M:%S GMT", "asctime": "%a %b %e %H:%M:%S %Y"}
UNEXPECTED = Reply(body=b"the origin was not expected to be asked")


class Play:
    """One row under way."""

    def __init__(self, row: Row, number: int) -> None:
        self.row, self.path = row, f"/r{number}"
        self.began = time.time()
        self.step = row.steps[0]
        self.asked: list[Message] = []
        self.was_asked = asyncio.Event()

    async def run(self, port: int) -> str | None:
        """Play it to its end: what was wrong first, or None."""
        self.began = time.time()
        for index, step in enumerate(self.row.steps):
            until = time.monotonic() + (PATIENCE if step.until else 0)
            while problems := await self._problems(port, step):
                if time.monotonic() >= until:
                    return f"step {index}: " + "; ".join(problems)
                await asyncio.sleep(0.02)
        return None

    async def _problems(self, port: int, step: Step) -> list[str]:
        self.step, self.asked, self.was_asked = step, [], asyncio.Event()
        length = [f"Content-Length: {len(step.content)}"] if step.content else []
        lines = [f"{step.method} {self.path}{step.at} HTTP/1.1", "Host: origin.test", *step.ask, *length, "", ""]
        data = self.filled("\r\n".join(lines) if step.raw is None else step.raw).encode("latin-1")
        waits = any(line.lower().startswith("expect:") for line in step.ask)
        now, later = (b"", step.content) if waits else (step.content, b"")
        try:
            async with asyncio.timeout(8):
                got = await exchange(port, data + now, step.method, later)
                if step.how is How.REFRESHED:
                    await self.was_asked.wait()
        except TimeoutError:
            return ["no answer, or no refresh, within 8 s"]
        judge = Judge(step, self.row.steps[step.of], self.asked, self.content, self.filled)
        return list(judge.problems(got))

    def content(self, step: Step) -> bytes:
        """The body of the reply of a step."""
        reply = step.reply or UNEXPECTED
        index = next(index for index, one in enumerate(self.row.steps) if one is step)
        return f"{self.path}, step {index}".encode() if reply.body is None else reply.body

    def reply(self, request: Message) -> tuple[bytes, Ends]:
        """What the origin says now."""
        self.asked.append(request)
        self.was_asked.set()
        reply = self.step.reply or UNEXPECTED
        if reply.wire is not None:
            return self.filled(reply.wire).encode("latin-1"), reply.ends
        names = {line.partition(":")[0].lower() for line in reply.fields}
        content = b"" if reply.status in (204, 304) else self.content(self.step)
        lines = [f"{head}\r\n" for head in reply.interim]
        lines += [f"HTTP/1.1 {reply.status} Said", *reply.fields, *([] if "date" in names else ["Date: {now}"])]
        if "content-length" not in names and reply.status not in (204, 304):
            lines.append(f"Content-Length: {len(content)}")
        head = self.filled("\r\n".join([*lines, "", ""])).encode("latin-1")
        return head + (b"" if request.get(":method") == "HEAD" else content), reply.ends

    def filled(self, text: str) -> str:
        """The text with its dates and the row's path filled in."""

        def date(found: re.Match[str]) -> str:
            return datetime.fromtimestamp(self.began + int(found[2] or 0), UTC).strftime(FORMS[found[1]])

        return re.sub(r"\{(?:(\w+):)?now([+-]\d+)?\}", date, text.replace("{path}", self.path))


class Origin:
    """Answers each request with what its row says; of many rows at once, told apart by their paths."""

    def __init__(self, plays: dict[str, Play]) -> None:
        self._plays = plays

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection."""
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            ends = Ends.KEEP
            while ends is Ends.KEEP:
                said, ends = await self._answer(reader, writer)
                writer.write(said)
                await writer.drain()
            if ends is Ends.RESET:
                sock: socket.socket = writer.get_extra_info("socket")
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                writer.transport.abort()
        writer.close()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> tuple[bytes, Ends]:
        request = await read_head(reader)
        method, target, _ = request.start.split(" ", 2)
        request.fields += [(":method", method), (":target", target)]
        if (request.get("expect") or "").lower() == "100-continue":
            writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        await read_body(reader, request, to_the_end=False)
        return self._plays[re.split(r"[/?]", target)[1]].reply(request)


async def play_all(rows: Sequence[Row], profile: Path, folder: Path) -> dict[str, str | None]:
    """Every row against one Tambo with this profile: what was wrong with each, by its id."""
    plays = {f"r{number}": Play(row, number) for number, row in enumerate(rows)}
    places = asyncio.Semaphore(AT_ONCE)

    async def one(play: Play, port: int) -> str | None:
        async with places:
            return await play.run(port)

    server = await asyncio.start_server(Origin(plays).serve, "127.0.0.1", 0, limit=LIMIT)
    upstream = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    tambo = Tambo({"UPSTREAM_URL": upstream, "TAMBO_CONFIG": str(profile), "LOG_LEVEL": "info"}, folder)
    try:
        await tambo.start()
        port = int(tambo.url.rpartition(":")[2])
        problems = await asyncio.gather(*(one(play, port) for play in plays.values()))
    finally:
        await tambo.stop()
        server.close()
    broken = [line for line in tambo.log if line.get("level") == "error"]
    assert not broken, broken[:3]
    return {row.id: problem for row, problem in zip(rows, problems, strict=True)}
