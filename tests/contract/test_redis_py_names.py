"""What the Redis client uses of redis-py without a promise: the names are there and mean what is relied upon."""

import asyncio
import inspect
from collections.abc import Callable

import pytest
import redis
from redis._parsers import _AsyncHiredisParser
from redis.asyncio.connection import AbstractConnection, Connection, DefaultParser
from redis.utils import HIREDIS_AVAILABLE

from proxy.store.redis_connection import BoundedParser, OversizedReplyError


def test_the_installed_version_is_the_one_that_was_read() -> None:
    assert redis.__version__.startswith("8.")
    assert HIREDIS_AVAILABLE
    assert DefaultParser is _AsyncHiredisParser


def test_reading_goes_through_the_method_that_is_bounded() -> None:
    assert "self.read_from_socket()" in inspect.getsource(_AsyncHiredisParser.read_response)


async def test_a_parser_reads_from_its_stream_and_stops_at_its_bound() -> None:
    connection = Connection(parser_class=_AsyncHiredisParser)
    stream = asyncio.StreamReader()
    connection._reader = stream
    parser = BoundedParser(65_536, limit=100)
    on_connect: Callable[[Connection], None] = parser.on_connect
    on_connect(connection)
    stream.feed_data(b"$2\r\nok\r\n")
    assert await parser.read_response() == b"ok"
    stream.feed_data(b"$500\r\n" + b"x" * 200)
    with pytest.raises(OversizedReplyError):
        await parser.read_response()


def test_a_cancelled_read_can_be_told_to_leave_the_connection_open() -> None:
    assert "disconnect_on_error" in inspect.signature(AbstractConnection.read_response).parameters
    assert "check_health" in inspect.signature(AbstractConnection.send_packed_command).parameters
