"""HTTP/1.1 by hand, so that both ends can be wrong on purpose: a client for one request, and an origin's reading."""

import asyncio
from dataclasses import dataclass, field

LIMIT = 1 << 20


@dataclass
class Message:
    """A head with its fields as they came, and a body."""

    start: str
    fields: list[tuple[str, str]]
    body: bytes = b""
    complete: bool = True
    interim: list["Message"] = field(default_factory=list)

    @property
    def status(self) -> int:
        """Of a response; 0 where it has none that could be read."""
        parts = self.start.split(" ")
        return int(parts[1]) if len(parts) > 1 and parts[1].isdigit() else 0

    def get(self, name: str) -> str | None:
        """All lines of a field, joined."""
        values = [value for one, value in self.fields if one.lower() == name.lower()]
        return ", ".join(values) if values else None


async def read_head(reader: asyncio.StreamReader) -> Message:
    """A head. Raises IncompleteReadError at the end of the connection."""
    lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    pairs = [line.partition(":") for line in lines[1:] if line]
    return Message(lines[0], [(name, value.strip(" \t")) for name, _, value in pairs])


async def read_body(reader: asyncio.StreamReader, head: Message, *, to_the_end: bool) -> None:
    """Its body, by its own framing; ``complete`` False where it was cut."""
    length = head.get("content-length")
    try:
        if "chunked" in (head.get("transfer-encoding") or "").lower():
            while (size := int((await reader.readuntil(b"\r\n")).split(b";")[0], 16)) > 0:
                head.body += (await reader.readexactly(size + 2))[:-2]
            while await reader.readuntil(b"\r\n") != b"\r\n":
                pass
        elif length is not None:
            head.body = await reader.readexactly(int(length))
        elif to_the_end:
            head.body = await reader.read(-1)
    except (asyncio.IncompleteReadError, ConnectionError) as error:
        head.body += getattr(error, "partial", b"")
        head.complete = False


async def exchange(port: int, data: bytes, method: str, later: bytes) -> Message:
    """Send a request on a connection of its own and read the final response. ``later``: sent once a 100 has come."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=LIMIT)
    interim: list[Message] = []
    try:
        writer.write(data)
        while True:
            head = await read_head(reader)
            if not 100 <= head.status < 200 or head.status == 101:
                break
            interim.append(head)
            if head.status == 100:
                writer.write(later)
        head.interim = interim
        if method != "HEAD" and head.status not in (101, 204, 304):
            await read_body(reader, head, to_the_end=True)
    except (asyncio.IncompleteReadError, ConnectionError):
        return Message("closed without an answer", [], complete=False, interim=interim)
    else:
        return head
    finally:
        writer.close()
