"""Single values by their type hints: numbers, words, quantities, secrets; and in words what would be right. Pure."""

import re
import types
from collections.abc import Sequence
from enum import StrEnum
from typing import Annotated, Any, Union, get_args, get_origin

import msgspec

from proxy.config.problems import show
from proxy.config.quantities import parse_duration, parse_ratio, parse_size
from proxy.config.secret import Secret
from proxy.config.tree import Leaf

_FORMS = {"duration": parse_duration, "size": parse_size, "ratio": parse_ratio}
_WORDS = {"true": True, "yes": True, "on": True, "1": True, "false": False, "no": False, "off": False, "0": False}
_INTEGER = re.compile(r"-?[0-9]{1,18}")
_RIGHT_FORMS = {
    "duration": 'a duration such as "30s" or "7d"',
    "size": 'a size such as "64MiB"',
    "ratio": 'a part such as 0.1 or "10%"',
}
_RIGHT_KINDS = {bool: "true or false", int: "a whole number"}


class _WrongError(ValueError):
    """Says what would be right."""


def unwrapped(kind: Any) -> tuple[Any, tuple[msgspec.Meta, ...]]:
    """A type hint without ``| None`` (an absent key says that) and without its constraints; and these."""
    if get_origin(kind) in {Union, types.UnionType}:
        options = [option for option in get_args(kind) if option is not types.NoneType]
        if len(options) == 1:
            return unwrapped(options[0])
    if get_origin(kind) is Annotated:
        inner, *metas = get_args(kind)
        return inner, tuple(meta for meta in metas if isinstance(meta, msgspec.Meta))
    return kind, ()


def form_of(metas: Sequence[msgspec.Meta]) -> str | None:
    """``duration``, ``size`` or ``ratio``: how a number is written."""
    return next((str(meta.extra["form"]) for meta in metas if meta.extra and "form" in meta.extra), None)


def converted(kind: Any, metas: Sequence[msgspec.Meta], leaf: Leaf) -> object:
    """The value of a leaf. Raises ValueError that says what would be right."""
    value = _parsed(kind, form_of(metas), leaf)
    if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
        raise _WrongError(right(kind, metas))
    _check(value, metas, right(kind, metas))
    return value


def _parsed(kind: Any, form: str | None, leaf: Leaf) -> object:
    value, text = leaf.value, str(leaf.value).strip()
    if form is not None:
        return _FORMS[form](value)
    if issubclass(kind, StrEnum):
        return _chosen(kind, leaf)
    if issubclass(kind, Secret):
        return kind(value) if isinstance(value, str) and value else None
    if kind is bool and leaf.is_text:
        return _WORDS.get(text.casefold())
    if kind is int and leaf.is_text and _INTEGER.fullmatch(text):
        return int(text)
    return value


def _chosen(kind: type[StrEnum], leaf: Leaf) -> StrEnum:
    text = str(leaf.value).strip().casefold()
    for member in kind:
        if isinstance(leaf.value, str) and member.value == text:
            return member
    raise _WrongError(right(kind, ()))


def _check(value: Any, metas: Sequence[msgspec.Meta], wanted: str) -> None:
    for meta in metas:
        is_wrong = (
            (meta.ge is not None and value < meta.ge)
            or (meta.gt is not None and value <= meta.gt)
            or (meta.le is not None and value > meta.le)
            or (meta.min_length is not None and len(value) < meta.min_length)
            or (meta.pattern is not None and re.fullmatch(meta.pattern, value) is None)
        )
        if is_wrong:
            raise _WrongError(wanted)


def right(kind: Any, metas: Sequence[msgspec.Meta]) -> str:
    """What would be right, in words."""
    for meta in metas:
        if meta.extra and "right" in meta.extra:
            return str(meta.extra["right"])
    if isinstance(kind, type) and issubclass(kind, StrEnum):
        return "one of " + ", ".join(show(member.value) for member in kind)
    form = form_of(metas)
    return (_RIGHT_KINDS.get(kind, "a text") if form is None else _RIGHT_FORMS[form]) + _bounds(metas)


def _bounds(metas: Sequence[msgspec.Meta]) -> str:
    for meta in metas:
        if meta.min_length is not None:
            return " that is not empty"
        if meta.ge is not None and meta.le is not None:
            return f" from {meta.ge} to {meta.le}"
        if meta.ge:
            return f" of at least {meta.ge}"
        if meta.ge == 0:
            return ", not negative"
        if meta.gt is not None:
            return f" of more than {meta.gt}"
    return ""
