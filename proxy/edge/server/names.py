"""What is used of aiohttp that it does not promise, verified before it is relied upon. Uses none of it."""

from collections.abc import Iterable
from typing import Final

import aiohttp
from aiohttp import http_parser, web
from aiohttp.web_protocol import RequestHandler

from proxy.errors import ConfigError

HANDLER_NAMES: Final = (
    "_buffer_paused",
    "_loop",
    "_parser",
    "_pause_reading_for_buffer",
    "_reading_paused",
    "_resume_reading_for_buffer",
    "_task_handler",
    "_waiter",
)
SERVER_NAMES: Final = ("_connections", "_loop")
PARSER_NAMES: Final = ("feed_data", "message_consumed", "set_upgraded")


def verify() -> None:
    """Refuse an aiohttp that reads requests differently. Raises ConfigError that says what is wrong with it."""
    parser = http_parser.HttpRequestParser
    if parser is http_parser.HttpRequestParserPy:
        raise ConfigError(
            "aiohttp",
            f"version {aiohttp.__version__} runs on its pure-Python HTTP parser, which reads requests less strictly; "
            "install a wheel with its C extensions and unset AIOHTTP_NO_EXTENSIONS",
        )
    missing = [
        *(f"RequestHandler.{name}" for name in lacking(RequestHandler, HANDLER_NAMES)),
        *(f"HttpRequestParser.{name}" for name in lacking(parser, PARSER_NAMES)),
        *(f"Server.{name}" for name in SERVER_NAMES if name not in _attributes_of_server()),
    ]
    if missing:
        raise ConfigError("aiohttp", f"version {aiohttp.__version__} lacks {', '.join(missing)}; 3.14.x is what fits")


def lacking(owner: type, names: Iterable[str]) -> list[str]:
    """The names a class does not have."""
    return [name for name in names if not hasattr(owner, name)]


def _attributes_of_server() -> frozenset[str]:
    return frozenset(web.Server.__init__.__code__.co_names)
