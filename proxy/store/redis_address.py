"""Where Redis is: one URL becomes the recipe for a connection. Opens nothing; never shows a password."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import urlsplit

from redis.asyncio.connection import AbstractConnection, Connection, parse_url

from proxy.errors import ConfigError

_LATER: Final = frozenset({"redis+sentinel", "rediss+sentinel", "redis+cluster", "rediss+cluster"})
_SCHEMES: Final = frozenset({"redis", "rediss", "unix"})
_TLS: Final = frozenset(
    {
        "ssl_ca_certs",
        "ssl_ca_path",
        "ssl_ca_data",
        "ssl_certfile",
        "ssl_keyfile",
        "ssl_password",
        "ssl_cert_reqs",
        "ssl_check_hostname",
        "ssl_ciphers",
        "ssl_min_version",
    }
)


@dataclass(frozen=True, slots=True)
class RedisAddress:
    """The class of connection to open and the options that say where to and as whom."""

    kind: type[AbstractConnection]
    options: Mapping[str, Any] = field(repr=False)
    shown: str
    """For logs: scheme, host, port and database, without user and password."""


def parse_address(url: str, key: str = "store.redis_url") -> RedisAddress:
    """Read ``redis://[user:password@]host[:port][/db]``, ``rediss://`` (TLS; ``ssl_*`` in the query) or
    ``unix://[user:password@]/path[?db=n]``. Raises ConfigError that names ``key`` and what would be right."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise ConfigError(key, f"is not a URL: {error}") from None
    if parts.scheme in _LATER:
        raise ConfigError(key, f"{parts.scheme}:// is not supported yet; use redis://, rediss:// or unix://")
    if parts.scheme not in _SCHEMES:
        raise ConfigError(key, f"begins with {parts.scheme or 'no scheme'!r}; use redis://, rediss:// or unix://")
    if parts.scheme == "unix" and (parts.hostname or parts.path in {"", "/"}):
        raise ConfigError(key, "needs the socket's absolute path, as in unix:///run/redis/redis.sock")
    if parts.scheme != "unix" and not parts.path.removeprefix("/").isdigit() and parts.path not in {"", "/"}:
        raise ConfigError(key, f"the database {parts.path!r} is not a number, as in redis://host:6379/0")
    options = _options(url, key, parts.scheme)
    kind = options.pop("connection_class", Connection)
    place = parts.path if parts.scheme == "unix" else f"{parts.hostname or 'localhost'}:{port or 6379}"
    return RedisAddress(kind, options, f"{parts.scheme}://{place}/{options.get('db', 0)}")


def _options(url: str, key: str, scheme: str) -> dict[str, Any]:
    try:
        options: dict[str, Any] = dict(parse_url(url))
    except ValueError as error:
        raise ConfigError(key, str(error)) from None
    # What the URL's other parts say; everything else came from its query.
    allowed = {"host", "port", "path", "db", "username", "password", "connection_class"}
    if scheme == "rediss":
        allowed |= _TLS
    if unknown := sorted(options.keys() - allowed):
        hint = "timeouts are set with store.redis_timeout and store.redis_command_timeout"
        what = "db and ssl_*" if scheme == "rediss" else "db"
        raise ConfigError(key, f"the query says {unknown[0]!r}; only {what} may stand there ({hint})")
    return options
