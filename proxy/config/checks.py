"""What no single key can tell: values that must fit together, and what works but deserves a warning.."""

import ipaddress
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from urllib.parse import SplitResult, urlsplit

from proxy.config.model import Config
from proxy.config.problems import show
from proxy.config.quantities import show_duration, show_size
from proxy.config.routes import left_out
from proxy.config.secret import mask_url
from proxy.errors import ConfigError
from proxy.policy.forwarding import unpassable
from proxy.policy.route import RoutePolicy

HOW_TO_SET_UPSTREAM = (
    "is not set: say which API to stand in front of, with UPSTREAM_URL=http://host:port in the environment "
    'or url = "http://host:port" under [upstream] in tambo.toml'
)
_HOST = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9_.-]*[A-Za-z0-9_.])?|\[[0-9A-Fa-f:.]+\]")
_REDIS_SCHEMES = ["redis", "rediss", "unix", "redis+sentinel", "rediss+sentinel", "redis+cluster", "rediss+cluster"]


def errors(config: Config) -> list[ConfigError]:
    """Everything that cannot work."""
    found = [
        ("upstream.url", _upstream_problem(config.upstream.url)),
        ("upstream.ca_file", _ca_problem(config.upstream.ca_file)),
        ("store.redis_url", _redis_problem(config)),
        ("admin.port", _port_problem(config)),
        ("tracing.endpoint", _collector_problem(config.tracing.endpoint)),
    ]
    networks = {"trusted_proxies": config.listen.trusted_proxies, "purge_clients": config.listen.purge_clients}
    for name, texts in networks.items():
        found += [(f"listen.{name}.{place}", _network_problem(text)) for place, text in enumerate(texts)]
    for route in config.routes:
        for name, texts in {"key.fields": route.key.fields, "forward": route.forward}.items():
            found += [(f"routes.{route.name}.{name}.{place}", _field_problem(text)) for place, text in enumerate(texts)]
    return [ConfigError(key, problem) for key, problem in found if problem is not None]


def warnings(config: Config, routes: tuple[RoutePolicy, ...], provenance: Mapping[str, str]) -> list[str]:
    """Everything that works but may surprise."""
    return [
        *_admin_warnings(config),
        *_size_warnings(config),
        *_wait_warnings(config, provenance),
        *_route_warnings(config, routes),
    ]


def is_loopback(host: str) -> bool:
    """Whether a listener on this host can be reached from this machine alone."""
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host.casefold() == "localhost"


def _upstream_problem(url: str) -> str | None:
    if not url:
        return HOW_TO_SET_UPSTREAM
    parts = _split(url)
    if parts is None or not url.isascii() or re.search(r"[\x00-\x20\x7f\\]", url):
        return f"{show(mask_url(url))} is not a URL such as http://host:port"
    host = parts.netloc if parts.port is None else parts.netloc.rpartition(":")[0]
    is_wrong = {
        "must begin with http:// or https://": parts.scheme not in {"http", "https"},
        "must not hold a user or password: clients' own credentials are passed on": "@" in parts.netloc,
        "names no valid host": not _HOST.fullmatch(host.removesuffix(":")),
        "has a port where nothing can listen": parts.port == 0,
        "must not have a query or fragment: clients' own queries are passed on": "?" in url or "#" in url,
    }
    return next((f"{show(mask_url(url))} {problem}" for problem, holds in is_wrong.items() if holds), None)


def _split(url: str) -> SplitResult | None:
    """The URL's parts; None where they, or its port, cannot be told."""
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        return None
    return parts


def _ca_problem(path: str | None) -> str | None:
    return None if path is None or Path(path).is_file() else f"there is no file {show(path)}"


def _redis_problem(config: Config) -> str | None:
    if config.store.redis_url is None:
        return None
    scheme, separator, _ = config.store.redis_url.value.partition("://")
    is_single = "+" not in scheme  # several hosts are read where they are used
    if not separator or (is_single and _split(config.store.redis_url.value) is None):
        return "is not a URL such as redis://host:6379/0"
    is_known = scheme.lower() in _REDIS_SCHEMES
    return None if is_known else f"must begin with {', '.join(f'{each}://' for each in _REDIS_SCHEMES)}"


def _collector_problem(url: str | None) -> str | None:
    if url is None:
        return None
    parts = _split(url)
    is_right = parts is not None and parts.scheme in {"http", "https"} and bool(parts.hostname)
    return None if is_right else f"{show(mask_url(url))} is not a URL such as http://collector:4318"


def _port_problem(config: Config) -> str | None:
    public, admin = config.listen, config.admin
    overlap = public.host == admin.host or {public.host, admin.host} & {"0.0.0.0", "::"}  # noqa: S104 - compared only
    if public.port == admin.port != 0 and overlap:
        return f"{admin.port} is the public listener's port already (listen.port): the admin listener has its own"
    return None


def _network_problem(text: str) -> str | None:
    try:
        ipaddress.ip_network(text)
    except ValueError as error:
        return f'must be a network such as "10.0.0.0/8" or an address: {error}'
    return None


def _field_problem(name: str) -> str | None:
    why = unpassable(name)
    return (
        None if why is None else f"{show(name)} never reaches the upstream ({why}), so its answers cannot differ by it"
    )


def _admin_warnings(config: Config) -> Iterator[str]:
    if config.admin.token is None and not is_loopback(config.admin.host):
        yield (
            f"admin.host: {config.admin.host} can be reached from other machines and there is no ADMIN_TOKEN: "
            "the admin listener answers health and metrics only"
        )
    if config.admin.prefix is not None and config.admin.token is None:
        yield f"admin.prefix: there is no ADMIN_TOKEN, so {config.admin.prefix}/ answers for health only"


def _size_warnings(config: Config) -> Iterator[str]:
    store = config.store
    largest = max([store.max_object, *(route.max_object or 0 for route in config.routes)])
    if largest > store.memory > 0:
        yield (
            f"store.max_object: bodies up to {show_size(largest)} may be kept, "
            f"but memory holds {show_size(store.memory)} in all (store.memory)"
        )


def _wait_warnings(config: Config, provenance: Mapping[str, str]) -> Iterator[str]:
    timeout, store = config.upstream.timeout, config.store
    # A default that is never reached because something else was made shorter is no surprise.
    for name, seconds in (("connect", timeout.connect), ("first_byte", timeout.first_byte)):
        if f"upstream.timeout.{name}" in provenance and seconds > timeout.total:
            yield (
                f"upstream.timeout.{name}: {show_duration(seconds)} is never reached, "
                f"a fetch ends after {show_duration(timeout.total)} (upstream.timeout.total)"
            )
    if store.redis_timeout > store.redis_command_timeout:
        yield (
            f"store.redis_timeout: clients would wait {show_duration(store.redis_timeout)} for a broken Redis, longer "
            f"than a purge does ({show_duration(store.redis_command_timeout)}, store.redis_command_timeout)"
        )


def _route_warnings(config: Config, routes: tuple[RoutePolicy, ...]) -> Iterator[str]:
    for place, (route, policy) in enumerate(zip(config.routes, routes, strict=False)):
        if parts := left_out(route, policy.pattern):
            yield (
                f"routes.{route.name}.key.template: leaves out {', '.join(parts)} of the path: "
                "all its values share one stored answer"
            )
        for earlier in routes[:place]:
            if earlier.pattern.text == policy.pattern.text and earlier.methods >= policy.methods:
                yield f"routes.{route.name}: is never taken, {earlier.name!r} before it takes the same requests"
