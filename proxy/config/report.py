"""The effective configuration as rows and as plain JSON values, each with where it came from. Secrets stay masked."""

from collections.abc import Callable, Iterator, Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Any, get_args

import msgspec
from msgspec import Struct

from proxy.config.keys import hints_of, joined
from proxy.config.load import Loaded
from proxy.config.model import Route
from proxy.config.quantities import show_duration, show_size
from proxy.config.routes import forward_fields_of, statuses_of
from proxy.config.scalars import form_of, unwrapped
from proxy.config.secret import Secret

_UNSET: Mapping[str, str] = MappingProxyType(
    {
        "admin.token": "none",
        "upstream.concurrency.max": "unlimited",
        "upstream.breaker": "off",
        "upstream.ca_file": "the system's",
        "store.redis_url": "none (embedded store)",
        "defaults.stale_while_revalidate": "as the upstream says",
        "defaults.stale_if_error": "as the upstream says",
    }
)
"""What it means that a key without a default is not set."""

_SHOWN: Mapping[str | None, Callable[[Any], str]] = MappingProxyType({"duration": show_duration, "size": show_size})


class Row(Struct, frozen=True):
    """One key: its value as an operator would write it, and where that came from."""

    key: str
    value: str
    source: str


def rows(loaded: Loaded) -> list[Row]:
    """Every key in the model's order; of a list of tables every item's."""
    return list(_rows(loaded, type(loaded.config), loaded.config, ""))


def as_json(value: object) -> Any:
    """Plain values: seconds, bytes, texts; a secret masked, an absent value null."""
    match value:
        case msgspec.Struct():
            return {name: as_json(getattr(value, name)) for name in hints_of(type(value))}
        case Mapping():
            return {str(name): as_json(item) for name, item in value.items()}
        case tuple() | frozenset():
            return [as_json(item) for item in value]
        case Secret():
            return str(value)
        case StrEnum():
            return value.value
        case _:
            return value


def _rows(loaded: Loaded, kind: type[msgspec.Struct], section: msgspec.Struct, key: str) -> Iterator[Row]:
    for name, hint in hints_of(kind).items():
        inner, metas = unwrapped(hint)
        value, dotted = getattr(section, name), joined(key, name)
        if isinstance(value, msgspec.Struct):
            yield from _rows(loaded, type(value), value, dotted)
        elif isinstance(value, tuple) and value and isinstance(value[0], msgspec.Struct):
            for place, item in enumerate(value):
                yield from _rows(loaded, type(item), item, joined(dotted, getattr(item, "name", str(place))))
        elif value is None:
            yield _unset(loaded, section, name, dotted, form_of(metas))
        else:
            form = form_of(unwrapped(get_args(inner)[1])[1]) if isinstance(value, Mapping) else form_of(metas)
            yield Row(dotted, _shown(value, form), loaded.source_of(dotted))


def _unset(loaded: Loaded, section: msgspec.Struct, name: str, key: str, form: str | None) -> Row:
    """What holds where nothing was said."""
    config = loaded.config
    if key in {"stopping.drain_timeout", "upstream.concurrency.queue_timeout"}:
        return Row(key, show_duration(config.upstream.timeout.total), "upstream.timeout.total")
    if not isinstance(section, Route):
        return Row(key, _UNSET.get(key, "none"), loaded.source_of(key))
    for common, where in ((config.defaults, "defaults"), (config.store, "store")):
        if hasattr(common, name):
            value = getattr(common, name)
            shown = _UNSET[f"{where}.{name}"] if value is None else _shown(value, form)
            return Row(key, shown, f"{where}.{name}")
    own = {"statuses": statuses_of(section), "forward_fields": forward_fields_of(section)}
    return Row(key, _shown(own[name], None) if name in own else "none", loaded.source_of(key))


def _shown(value: object, form: str | None) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{name} = {_shown(item, form)}" for name, item in value.items()) or "none"
    if isinstance(value, tuple | frozenset):
        items = sorted(value) if isinstance(value, frozenset) else value
        return ", ".join(_shown(item, form) for item in items) or "none"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float) and form in _SHOWN:
        return _SHOWN[form](value)
    return str(value)
