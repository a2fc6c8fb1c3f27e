"""Request ids: brought or given, the same one at the upstream, in the answer, in the log and in the span."""

import logging
import re
from pathlib import Path

import pytest

from tests.support.wired import saying, wired

STORED_ONES_OWN = (
    b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nX-Request-Id: the-upstreams\r\nContent-Length: 2\r\n\r\n{}"
)


def id_of(message: bytes) -> bytes:
    (found,) = re.findall(rb"(?mi)^x-request-id: (.*)\r$", message)
    assert isinstance(found, bytes)
    return found


async def test_each_request_has_its_own_also_where_nothing_is_fetched(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "tambo.access")
    async with wired(tmp_path, saying(STORED_ONES_OWN), ("listen.request_ids", "true")) as wire:
        miss, hit = await wire.get(), await wire.get()
        theirs = await wire.get(fields="X-Request-Id: mine\r\n")
        long = await wire.get(fields=f"X-Request-Id: {'x' * 129}\r\n")
        passed = await wire.get("/b", fields="X-Request-Id: ours\r\nCookie: a=b\r\n")
    assert b"X-Cache: MISS" in miss
    assert b"X-Cache: HIT" in hit
    given = [id_of(answer) for answer in (miss, hit, long)]
    assert all(re.fullmatch(rb"[0-9a-f]{32}", name) for name in given)
    assert len(set(given)) == 3
    assert [id_of(theirs), id_of(passed)] == [b"mine", b"ours"]
    assert [id_of(request) for request in wire.seen] == [given[0], b"ours"]
    logged = [record.__dict__["request_id"].encode() for record in caplog.records if record.name == "tambo.access"]
    assert logged == [given[0], given[1], b"mine", given[2], b"ours"]


async def test_nothing_is_given_unless_it_is_asked_for(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "tambo.access")
    async with wired(tmp_path, saying()) as wire:
        answers = [await wire.get(), await wire.get(), await wire.get("/b", fields="X-Request-Id: mine\r\n")]
    assert not any(b"x-request-id" in answer.lower() for answer in answers)
    assert b"x-request-id" not in wire.seen[0].lower()
    assert id_of(wire.seen[1]) == b"mine"
    logged = [record.__dict__["request_id"] for record in caplog.records if record.name == "tambo.access"]
    assert logged == [None, None, "mine"]
