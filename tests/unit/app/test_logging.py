"""Which requests get a log line, whichever way they were answered."""

import asyncio
import logging
from pathlib import Path

import pytest

from tests.support.wired import saying, wired

FAILING = b"HTTP/1.1 503 Service Unavailable\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"
KEPT = """
[[routes]]
name = "kept"
match = { path = "/**" }
mode = "override"
ttl_by_status = { 503 = "30s" }
"""
ASKED = 5


@pytest.mark.parametrize("memory", ["64MiB", "0"])
@pytest.mark.parametrize("hit_path", ["true", "false"])
async def test_a_stored_503_is_logged_each_time_it_is_answered(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, hit_path: str, memory: str
) -> None:
    """Hits are sampled; what is a server's error to the client is no less one for being stored."""
    caplog.set_level(logging.INFO, "tambo.access")
    (tmp_path / "tambo.toml").write_text(KEPT)
    options = ("listen.hit_path", hit_path), ("store.memory", memory), ("log.sample", "0")
    async with wired(tmp_path, saying(FAILING), *options, TAMBO_CONFIG=str(tmp_path / "tambo.toml")) as wire:
        reader, writer = await asyncio.open_connection(*wire.address)
        for _ in range(ASKED):
            writer.write(b"GET /a HTTP/1.1\r\nHost: x\r\n\r\n")
            head = await reader.readuntil(b"\r\n\r\n")
            assert head.startswith(b"HTTP/1.1 503 ")
            await reader.readexactly(2)
        writer.close()
    logged = [record.__dict__["result"] for record in caplog.records if record.name == "tambo.access"]
    assert logged == ["miss", *["hit"] * (ASKED - 1)]
    assert len(wire.seen) == 1
