"""What the listener uses of aiohttp without a promise: the names are there and mean what is relied upon."""

import asyncio
import inspect
import subprocess
import sys

import aiohttp
import pytest
from aiohttp import http_parser, web
from aiohttp.base_protocol import BaseProtocol
from aiohttp.http import HttpRequestParser
from aiohttp.web_protocol import RequestHandler

from proxy.edge.server import connection, names
from proxy.errors import ConfigError


def test_the_installed_version_is_the_one_that_was_read() -> None:
    assert aiohttp.__version__.startswith("3.14.")
    names.verify()


def test_missing_names_are_told() -> None:
    assert names.lacking(RequestHandler, ("_waiter", "_gone")) == ["_gone"]


def test_every_private_name_in_use_is_verified() -> None:
    """Whatever of aiohttp's underscore names our connection mentions is on the list."""
    source = inspect.getsource(connection)
    foreign = {name for name in dir(RequestHandler) if name.startswith("_") and not name.startswith("__")}
    own = set(connection.ClientConnection.__dict__) - set(RequestHandler.__dict__) | {"_read", "_wake", "_next"}
    used = {name for name in foreign if f"self.{name}" in source} - own
    assert used <= set(names.HANDLER_NAMES)


def test_the_pure_python_parser_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_parser, "HttpRequestParser", http_parser.HttpRequestParserPy)
    with pytest.raises(ConfigError, match="pure-Python HTTP parser"):
        names.verify()


def test_the_pure_python_parser_is_refused_for_real() -> None:
    """In a process of its own, told to do without the C extensions."""
    code = "from proxy.edge.server.names import verify; verify()"
    done = subprocess.run(
        [sys.executable, "-c", code], env={"AIOHTTP_NO_EXTENSIONS": "1"}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert "pure-Python HTTP parser" in done.stderr


async def test_the_server_knows_its_connections() -> None:
    async def never(request: web.BaseRequest) -> web.StreamResponse:
        raise NotImplementedError

    server = web.Server(never)
    assert server._connections == {}
    assert server._loop is asyncio.get_running_loop()
    assert server.handler_cancellation is False  # cancelling is ours


async def test_the_parser_stops_behind_a_complete_upgrade() -> None:
    loop = asyncio.get_running_loop()
    protocol = BaseProtocol(loop)
    parser = HttpRequestParser(protocol, loop, 2**16, max_line_size=8190, max_field_size=8190, auto_decompress=False)
    head = b"GET / HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\r\n"
    messages, is_upgraded, tail = parser.feed_data(head)
    assert (len(messages), is_upgraded, tail) == (1, True, b"")
    parser.set_upgraded(False)
    messages, is_upgraded, _ = parser.feed_data(b"GET /2 HTTP/1.1\r\nHost: h\r\n\r\n")
    assert [message.path for message, _ in messages] == ["/2"]


async def test_request_content_stays_as_it_is_encoded() -> None:
    loop = asyncio.get_running_loop()
    protocol = BaseProtocol(loop)
    parser = HttpRequestParser(protocol, loop, 2**16, auto_decompress=False)
    head = b"POST / HTTP/1.1\r\nHost: h\r\nContent-Encoding: gzip\r\nContent-Length: 3\r\n\r\n"
    [(_, content)], _, _ = parser.feed_data(head + b"abc")
    assert await content.read() == b"abc"
