"""The configuration's sections as each part's own settings. Converts names and types; chooses nothing."""

import hashlib
from ipaddress import ip_network
from pathlib import Path

from proxy.app.descriptors import room
from proxy.clock import Clock
from proxy.config.model import Config
from proxy.edge.server.settings import ServerSettings
from proxy.edge.upstream.settings import Origin, UpstreamSettings
from proxy.exchange.breaker import Breaker, BreakerSettings
from proxy.exchange.guard import GuardSettings
from proxy.exchange.purge_method import PurgeCallers
from proxy.exchange.retrying import RetrySettings
from proxy.store.backing import Backing
from proxy.store.company import Company
from proxy.store.disk import DiskStore


def server_settings(config: Config) -> ServerSettings:
    """The public listener's."""
    listen = config.listen
    return ServerSettings(
        head_timeout=listen.head_timeout,
        keepalive_timeout=listen.keepalive,
        body_idle_timeout=listen.body_timeout,
        unread_timeout=listen.write_timeout,
        max_connections=room(listen.connections, config.upstream.connections).clients,
        trusted_proxies=tuple(ip_network(network) for network in listen.trusted_proxies),
    )


def purge_callers(config: Config) -> PurgeCallers:
    """Who may send PURGE."""
    listen = config.listen
    token = None if listen.purge_token is None else listen.purge_token.value
    return PurgeCallers(tuple(ip_network(network) for network in listen.purge_clients), token)


def upstream_settings(config: Config) -> UpstreamSettings:
    """The upstream client's."""
    upstream = config.upstream
    return UpstreamSettings(
        Origin.from_url(upstream.url),
        connect=upstream.timeout.connect,
        first_byte=upstream.timeout.first_byte,
        idle=upstream.timeout.idle,
        keep_alive=upstream.keepalive,
        max_connections=room(config.listen.connections, upstream.connections).upstream,
        max_idle=upstream.idle_connections,
        ca_file=upstream.ca_file,
    )


def guard_settings(config: Config) -> GuardSettings:
    """The guard's."""
    limits = config.upstream.concurrency
    return GuardSettings(limits.max, limits.queue, config.upstream.queue_timeout)


def breaker_settings(config: Config) -> BreakerSettings | None:
    """The circuit breaker's; None where none is configured."""
    said = config.upstream.breaker
    return None if said is None else BreakerSettings(said.window, said.failure_ratio, said.min_requests, said.open)


def make_breaker(config: Config) -> Breaker | None:
    """The upstream's circuit breaker; None where none is configured."""
    settings = breaker_settings(config)
    return None if settings is None else Breaker(settings)


def retry_settings(config: Config) -> RetrySettings:
    """What is asked for again."""
    said = config.upstream.retries
    statuses = frozenset(one for one in said.on if isinstance(one, int))
    return RetrySettings(said.max, "connect" in said.on, statuses, said.budget)


def upstream_id(url: str) -> str:
    """What an upstream's answers are kept under: one store may serve several upstreams, and none the other's."""
    origin = Origin.from_url(url)
    place = f"{origin.scheme}://{origin.host.lower()}:{origin.port}{origin.prefix}"
    return hashlib.blake2b(place.encode(), digest_size=4).hexdigest()


def make_backing(config: Config, clock: Clock, company: Company | None = None) -> Backing:
    """Redis where a URL is given, else the embedded store, which ``company`` may use too. Raises ConfigError for a URL
    that cannot be used."""
    store = config.store
    origin = upstream_id(config.upstream.url)
    if store.redis_url is None:
        return DiskStore(
            Path(store.data_dir),
            clock,
            capacity=store.disk,
            max_variants=store.max_variants,
            file_name=f"tambo-{origin}.sqlite",
            company=company,
        )
    return _redis(config, clock, f"tambo:{origin}")


def _redis(config: Config, clock: Clock, namespace: str) -> Backing:
    # Whoever keeps everything in a file does not wait for redis-py to be imported: a quarter of the time to start.
    from proxy.store.redis_address import parse_address  # noqa: PLC0415
    from proxy.store.redis_question import Limits  # noqa: PLC0415
    from proxy.store.redis_store import Bounds, RedisStore  # noqa: PLC0415

    store = config.store
    assert store.redis_url is not None  # noqa: S101 - asked by the one caller
    limits = Limits(timeout=store.redis_timeout, command_timeout=store.redis_command_timeout)
    largest = max((store.max_object, *(route.max_object or 0 for route in config.routes)))
    bounds = Bounds(variants=store.max_variants, body=largest, namespace=namespace)
    return RedisStore(parse_address(store.redis_url.value), clock, limits, bounds)
