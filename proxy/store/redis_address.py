"""Where Redis is: one URL becomes the recipe for a connection, or for finding out where to connect. Opens nothing;
never shows a password."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final
from urllib.parse import parse_qsl, urlencode, urlsplit

from redis.asyncio.connection import AbstractConnection, Connection, parse_url

from proxy.errors import ConfigError

_SINGLE: Final = frozenset({"redis", "rediss", "unix"})
_SEVERAL: Final = frozenset({"redis+sentinel", "rediss+sentinel", "redis+cluster", "rediss+cluster"})
_KNOWN: Final = "redis://, rediss://, unix://, redis+sentinel:// or redis+cluster://"
_PORT: Final = 6379
_SENTINEL_PORT: Final = 26379
_SENTINEL_OPTIONS: Final = frozenset({"sentinel_username", "sentinel_password"})
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


Place = tuple[str, int]
"""Host and port."""


class Topology(StrEnum):
    """How the Redis is made up."""

    SINGLE = "single"
    SENTINEL = "sentinel"
    """One primary at a time; Sentinels know which."""
    CLUSTER = "cluster"
    """Several primaries, each with a part of the names; every node knows which."""


@dataclass(frozen=True, slots=True)
class RedisAddress:
    """The class of connection to open and the options that say where to and as whom."""

    kind: type[AbstractConnection]
    options: Mapping[str, Any] = field(repr=False)
    shown: str
    """For logs: scheme, host, port and database, without user and password."""
    topology: Topology = Topology.SINGLE
    seeds: tuple[Place, ...] = ()
    """Whom to ask where to connect; then ``options`` say how, but not where to."""
    service: str = ""
    """What the Sentinels call the primary."""
    seed_options: Mapping[str, Any] = field(default_factory=dict, repr=False)
    """How to connect to a Sentinel."""

    def at(self, place: Place) -> "RedisAddress":
        """The address of one node."""
        host, port = place
        scheme = self.shown.partition("+")[0]
        options = {**self.options, "host": host, "port": port}
        return RedisAddress(self.kind, options, f"{scheme}://{host}:{port}/{self.options.get('db', 0)}")

    def of_sentinel(self, place: Place) -> "RedisAddress":
        """The address of one Sentinel."""
        host, port = place
        return RedisAddress(self.kind, {**self.seed_options, "host": host, "port": port}, f"sentinel {host}:{port}")


def parse_address(url: str, key: str = "store.redis_url") -> RedisAddress:
    """Read ``redis://[user:password@]host[:port][/db]``, ``rediss://`` (TLS; ``ssl_*`` in the query),
    ``unix://[user:password@]/path[?db=n]``, ``redis+sentinel://[user:password@]host[:port],.../service[/db]`` (also
    ``sentinel_username`` and ``sentinel_password`` in the query), ``redis+cluster://[user:password@]host[:port],...``,
    or either of the last two with ``rediss``. Raises ConfigError that names ``key`` and what would be right."""
    scheme = url.partition(":")[0]
    if scheme in _SEVERAL:
        return _several(url, key, scheme)
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise ConfigError(key, f"is not a URL: {error}") from None
    if parts.scheme not in _SINGLE:
        raise ConfigError(key, f"begins with {parts.scheme or 'no scheme'!r}; use {_KNOWN}")
    if parts.scheme == "unix" and (parts.hostname or parts.path in {"", "/"}):
        raise ConfigError(key, "needs the socket's absolute path, as in unix:///run/redis/redis.sock")
    if parts.scheme != "unix" and not parts.path.removeprefix("/").isdigit() and parts.path not in {"", "/"}:
        raise ConfigError(key, f"the database {parts.path!r} is not a number, as in redis://host:6379/0")
    options = _options(url, key, parts.scheme)
    kind = options.pop("connection_class", Connection)
    place = parts.path if parts.scheme == "unix" else f"{parts.hostname or 'localhost'}:{port or 6379}"
    return RedisAddress(kind, options, f"{parts.scheme}://{place}/{options.get('db', 0)}")


def _several(url: str, key: str, scheme: str) -> RedisAddress:
    """An address that seeds lead to. What they have in common is read as if it were the URL of one node."""
    single, _, kind = scheme.partition("+")
    topology = Topology(kind)
    rest = url.partition("://")[2]
    place, question, query = rest.partition("?")
    hosts, _, path = place.partition("/")
    user, at, hosts = hosts.rpartition("@")
    seeds = tuple(
        _place(each, key, _SENTINEL_PORT if topology is Topology.SENTINEL else _PORT) for each in hosts.split(",")
    )
    service, _, database = path.partition("/") if topology is Topology.SENTINEL else ("", "", path)
    if topology is Topology.SENTINEL and not service:
        raise ConfigError(key, "needs the name of the service, as in redis+sentinel://host,host/mymaster")
    if topology is Topology.CLUSTER and path:
        raise ConfigError(key, "a Cluster has no databases, as in redis+cluster://host,host")
    pairs = parse_qsl(query, keep_blank_values=True)
    special = {name: value for name, value in pairs if topology is Topology.SENTINEL and name in _SENTINEL_OPTIONS}
    usual = urlencode([(name, value) for name, value in pairs if name not in special])
    node = parse_address(f"{single}://{user}{at}seed/{database}{question and '?'}{usual}", key)
    options = {name: value for name, value in node.options.items() if name not in {"host", "port"}}
    tls = {name: value for name, value in options.items() if name in _TLS}
    for_sentinels = tls | {name.removeprefix("sentinel_"): value for name, value in special.items()}
    shown = f"{scheme}://{','.join(f'{host}:{port}' for host, port in seeds)}{'/' + service if service else ''}"
    return RedisAddress(node.kind, options, shown, topology, seeds, service, for_sentinels)


def _place(text: str, key: str, port: int) -> Place:
    """A host and maybe a port; an IPv6 address in brackets."""
    try:
        parts = urlsplit(f"//{text}")
        found = parts.hostname, parts.port or port
    except ValueError as error:
        raise ConfigError(key, f"{text!r} is not a host: {error}") from None
    if not found[0]:
        raise ConfigError(key, "names no host, as in redis+cluster://host:6379,host:6379")
    return found[0], found[1]


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
