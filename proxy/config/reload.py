"""What of a new configuration a running Tambo can take over, and what needs a restart. Pure: changes nothing."""

from typing import Any, Final

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from proxy.config.load import Loaded
from proxy.config.model import Config
from proxy.config.routes import route_policies

FIXED: Final = (
    "listen.host",
    "listen.port",
    "listen.workers",
    "listen.hit_path",
    "listen.request_ids",
    "listen.debug_headers",
    "admin.host",
    "admin.port",
    "admin.prefix",
    "upstream.url",
    "store",
    "tracing",
)
"""Keys and sections that are as they were at the start: addresses that are bound, and what the store is made of. It is
the upstream's own, so another URL is another store."""
_SEATS: Final = "upstream.concurrency.max"


class Settled(Struct, frozen=True):
    """What is taken over; ``needs_restart``: the dotted keys that were changed as well, and stay as they were."""

    loaded: Loaded
    needs_restart: tuple[str, ...]


def settle(running: Loaded, wanted: Loaded) -> Settled:
    """The wanted configuration, but for what cannot change in place."""
    left: list[str] = []
    config: Any = wanted.config
    for key in _fixed(running.config, wanted.config):
        config = _kept(running.config, config, key.split("."), (), left)
    provenance = dict(wanted.provenance)
    for key in left:
        provenance[key] = running.source_of(key)
    return Settled(replace(wanted, config=config, routes=route_policies(config), provenance=provenance), tuple(left))


def _fixed(running: Config, wanted: Config) -> tuple[str, ...]:
    """Who shares the places at the upstream with others cannot begin or cease to count them."""
    before, after = running.upstream.concurrency.max, wanted.upstream.concurrency.max
    is_shared = running.store.redis_url is not None or running.listen.workers > 1
    return (*FIXED, _SEATS) if is_shared and (before is None) != (after is None) else FIXED


def _kept(old: Any, new: Any, steps: list[str], above: tuple[str, ...], left: list[str]) -> Any:
    """``new`` with the old value at the place that ``steps`` name; what differs there is added to ``left``."""
    if steps:
        name, *rest = steps
        inner = _kept(getattr(old, name), getattr(new, name), rest, (*above, name), left)
        return msgspec.structs.replace(new, **{name: inner})
    if old == new:
        return new
    if isinstance(old, msgspec.Struct):
        for name in old.__struct_fields__:
            _kept(getattr(old, name), getattr(new, name), [], (*above, name), left)
    else:
        left.append(".".join(above))
    return old
