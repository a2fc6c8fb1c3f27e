"""The model's keys by their dotted names. Reads no value."""

from collections.abc import Mapping
from functools import cache
from typing import Any, get_type_hints

import msgspec

from proxy.config.model import Config
from proxy.config.scalars import unwrapped
from proxy.config.secret import Secret


def joined(key: str, name: str) -> str:
    """A dotted key."""
    return f"{key}.{name}" if key else name


@cache
def hints_of(kind: type[msgspec.Struct]) -> Mapping[str, Any]:
    """The keys of a section with their type hints, in order."""
    return get_type_hints(kind, include_extras=True)


@cache
def required_of(kind: type[msgspec.Struct]) -> tuple[str, ...]:
    """The keys of a section that have no default."""
    return tuple(item.name for item in msgspec.structs.fields(kind) if item.required)


def secret_keys() -> tuple[str, ...]:
    """The dotted keys whose values are never shown."""
    return tuple(key for key, kind in scalar_keys(Config) if isinstance(kind, type) and issubclass(kind, Secret))


def scalar_keys(kind: type[msgspec.Struct], key: str = "") -> list[tuple[str, object]]:
    """Every key of the sections with its type, in the model's order; lists of tables are one key."""
    keys: list[tuple[str, object]] = []
    for name, hint in hints_of(kind).items():
        inner, _ = unwrapped(hint)
        if isinstance(inner, type) and issubclass(inner, msgspec.Struct):
            keys.extend(scalar_keys(inner, joined(key, name)))
        else:
            keys.append((joined(key, name), inner))
    return keys
