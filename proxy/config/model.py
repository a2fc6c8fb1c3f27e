"""What can be configured, with its defaults: frozen values, all times in seconds, all sizes in bytes.

Reads no file and no environment, and converts nothing.
"""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Annotated, Literal

from msgspec import Meta, field

from proxy.config.kinds import (
    DAY,
    MIB,
    Budget,
    Count,
    Duration,
    ErrorStatus,
    FieldName,
    Method,
    Name,
    Port,
    Positive,
    Prefix,
    Ratio,
    Section,
    Size,
    Status,
    Text,
    Wait,
    WhenDown,
    Workers,
)
from proxy.config.secret import Secret, SecretUrl
from proxy.config.upstream import Upstream
from proxy.policy.disposition import Verdict
from proxy.policy.route import ForwardFields, Mode

_NO_LIFETIMES: Mapping[int, float] = MappingProxyType({})


class Cookies(StrEnum):
    """What a Cookie in a request means."""

    PASS = "pass"  # noqa: S105 - not a secret
    """It goes to the upstream, and nothing is looked up or stored."""
    IGNORE = "ignore"
    """It says nothing about who may see the answer, and is not passed on where the answer may be shared."""


class Authorization(StrEnum):
    """What an Authorization in a request means."""

    PASS = "pass"  # noqa: S105 - not a secret
    """Only what RFC 9111 §3.5 allows is answered from the store, and stored."""
    IGNORE = "ignore"
    """It says nothing about who may see the answer, and is not passed on where the answer may be shared."""


class ClientDirectives(StrEnum):
    """What the Cache-Control of a request is to a cache (RFC 9111 §5.2.1); only-if-cached is honoured always."""

    IGNORE = "ignore"
    """A browser's reload costs the upstream nothing."""
    HONOUR = "honour"


class LogLevel(StrEnum):
    """The least serious lines that are written."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


class LogFormat(StrEnum):
    """``auto``: console on a terminal, else json."""

    AUTO = "auto"
    CONSOLE = "console"
    JSON = "json"


class Listen(Section, frozen=True, kw_only=True):
    """The public listener, and what its clients may take up."""

    host: Text = "0.0.0.0"  # noqa: S104 - the public listener is for everyone
    port: Port = 8080
    trusted_proxies: tuple[str, ...] = ()
    """Networks (CIDR) of front proxies whose X-Forwarded-* are believed."""
    purge_clients: tuple[str, ...] = ()
    """Networks (CIDR) whose clients may send PURGE; none, and no token: nobody may."""
    purge_token: Secret | None = None
    """What ``Authorization: Bearer`` of a PURGE must carry."""
    connections: Positive = 10_000
    """Open client connections at most."""
    head_timeout: Wait = 10.0
    """For a request's head to be complete."""
    body_timeout: Wait = 30.0
    """For the next bytes of a request's body."""
    write_timeout: Wait = 30.0
    """For a client to read something of what is written."""
    keepalive: Wait = 75.0
    """For the next request on an idle connection."""
    hit_path: bool = True
    """Whether plain hits are answered the moment their bytes arrive; the answers are the same either way."""
    request_ids: bool = False
    """Whether a request without ``X-Request-Id`` is given one, and every answer says it; hits then cost more."""
    debug_headers: bool = False
    """Whether answers say their key, route and tags, and where their time went; hits then cost more."""
    workers: Workers = 1
    """Processes that serve the one port."""


class Admin(Section, frozen=True, kw_only=True):
    """The admin listener."""

    host: Text = "127.0.0.1"
    port: Port = 8081
    token: Secret | None = None
    prefix: Prefix | None = None
    """Where the admin listener is found on the public port as well; None: nowhere."""


class Store(Section, frozen=True, kw_only=True):
    """Where answers are kept."""

    redis_url: SecretUrl | None = None
    """None: the embedded store under ``data_dir``."""
    redis_timeout: Wait = 0.05
    """For look-ups: what a client may have to wait for a broken Redis."""
    redis_command_timeout: Wait = 1.0
    """For purges and writes."""
    when_redis_is_down: WhenDown = WhenDown.MEMORY
    memory: Size = 256 * MIB
    """The memory tier at most; 0: there is none."""
    data_dir: Text = "./data"
    disk: Budget = 1024 * MIB
    """The embedded store's file at most."""
    max_object: Size = 8 * MIB
    """Larger bodies stream through and are not kept."""
    max_variants: Positive = 64
    """Stored responses under one key."""


class Defaults(Section, frozen=True, kw_only=True):
    """What holds for every route that says nothing else."""

    ttl: Duration = 7 * DAY
    negative_ttl: Duration = 60.0
    jitter: Ratio = 0.0
    stale_while_revalidate: Duration | None = None
    """None: as the upstream's headers say; so ``stale_if_error``."""
    stale_if_error: Duration | None = None
    stale_on_disconnect: Duration = DAY
    """In rfc mode, where nobody names a window: when the upstream does not answer at all."""
    archive: Duration = 0.0
    hold_off: Duration = 60.0
    """How long at most a key is left alone after failed fetches; 0: not at all."""
    refresh_ahead: Count = 0
    """Fetches a day for what is asked for a lot and soon expires; 0: none."""
    heuristic: bool = False
    """A lifetime is guessed from Last-Modified where nobody says one."""
    client_directives: ClientDirectives = ClientDirectives.IGNORE
    made_etag: bool = True
    expose_tags: bool = False


class RouteMatch(Section, frozen=True, kw_only=True):
    """Which requests take a route."""

    path: str
    methods: Annotated[tuple[Method, ...], Meta(min_length=1)] = ("GET", "HEAD")


class KeyQuery(Section, frozen=True, kw_only=True):
    """How the query enters the key, and the wire."""

    sort: bool = False
    ignore: tuple[Text, ...] = ()


class RouteKey(Section, frozen=True, kw_only=True):
    """What tells answers apart."""

    template: Text | None = None
    query: KeyQuery = KeyQuery()
    fields: tuple[FieldName, ...] = ()


class RouteVerdict(Section, frozen=True, kw_only=True):
    """What a JSON body means."""

    when: Text
    """JMESPath; false, null, "", [] and {} are not true."""
    verdict: Verdict
    status: ErrorStatus | None = None
    """A failure's status towards the client."""


class Route(Section, frozen=True, kw_only=True):
    """One route as the file has it; None: as ``[defaults]``, ``[store]`` or the mode says."""

    name: Name
    match: RouteMatch
    cache: bool = True
    mode: Mode = Mode.RFC
    key: RouteKey = RouteKey()
    ttl: Duration | None = None
    ttl_by_status: Mapping[Status, Duration] = field(default_factory=lambda: _NO_LIFETIMES)
    negative_ttl: Duration | None = None
    jitter: Ratio | None = None
    stale_while_revalidate: Duration | None = None
    stale_if_error: Duration | None = None
    stale_on_disconnect: Duration | None = None
    archive: Duration | None = None
    hold_off: Duration | None = None
    refresh_ahead: Count | None = None
    heuristic: bool | None = None
    client_directives: ClientDirectives | None = None
    tags: tuple[Text, ...] = ()
    verdicts: tuple[RouteVerdict, ...] = ()
    statuses: tuple[Status, ...] | Literal["all"] | None = None
    """None: the usual ones (200 203 204 300 301 302 307 308 404 410)."""
    cookies: Cookies = Cookies.PASS
    store_set_cookie: bool = False
    store_private: bool = False
    """In override mode: the upstream's private does not keep an answer from being stored; so ``store_no_store``."""
    store_no_store: bool = False
    authorization: Authorization = Authorization.PASS
    """``ignore`` in override mode alone."""
    forward_fields: ForwardFields | None = None
    """None: strict in override mode, all in rfc mode."""
    forward: tuple[FieldName, ...] = ()
    made_etag: bool | None = None
    expose_tags: bool | None = None
    respond_async: bool = False
    """A client that prefers it (RFC 7240) gets 202 and a place to look where an answer takes long."""
    max_object: Size | None = None


class Log(Section, frozen=True, kw_only=True):
    """What is written, and how."""

    level: LogLevel = LogLevel.INFO
    format: LogFormat = LogFormat.AUTO
    sample: Ratio = 1.0
    """The part of the requests that get a line; those that went wrong always do."""


class Tracing(Section, frozen=True, kw_only=True):
    """Spans for OpenTelemetry."""

    endpoint: Text | None = None
    """The collector's URL for OTLP over HTTP; None: no tracing."""
    sample: Ratio = 1.0
    """The part of the requests without a ``traceparent`` that is traced."""


class Stopping(Section, frozen=True, kw_only=True):
    """After SIGTERM."""

    drain_timeout: Duration | None = None
    """For what is in flight; None: as long as ``upstream.timeout.total``."""
    lame_duck: Duration = 0.0
    """How long new connections are still answered."""


class Config(Section, frozen=True, kw_only=True):
    """Everything."""

    listen: Listen = Listen()
    admin: Admin = Admin()
    upstream: Upstream = Upstream()
    store: Store = Store()
    defaults: Defaults = Defaults()
    routes: tuple[Route, ...] = ()
    log: Log = Log()
    tracing: Tracing = Tracing()
    stopping: Stopping = Stopping()
