"""Reads what a purge request asks for, from a JSON object or from query parameters. Purges nothing."""

import json
from collections.abc import Mapping, Sequence

from proxy.errors import ClientError
from proxy.exchange.purge_desk import PurgeWish
from proxy.exchange.purges import AskedMode, PurgeKind
from proxy.wording import hint

BAD_REQUEST = 400
_AIMS = tuple(kind for kind in PurgeKind if kind is not PurgeKind.ENTRY)
"""An entry is removed by its own endpoint."""
_KINDS = tuple(kind.value for kind in _AIMS)
_TRUE = frozenset({"true", "1", "yes", ""})
_FALSE = frozenset({"false", "0", "no"})


def read_form(body: bytes, query: Mapping[str, str]) -> PurgeWish:
    """The purge in a request. Raises ClientError(400) that names what is wrong and what would be right."""
    given: dict[str, object] = dict(query)
    if body.strip():
        given.update(_json_object(body))
    mode, dry_run = given.pop("mode", "soft"), given.pop("dry_run", False)
    kind, argument = read_aim(given, ("mode", "dry_run"))
    return PurgeWish(kind, argument, read_mode(mode, "'mode'"), _is_true(dry_run))


def read_aim(given: Mapping[str, object], others: Sequence[str]) -> tuple[PurgeKind, str]:
    """What is meant: its kind and argument. ``others``: names that may stand beside it and were taken out. Raises
    ClientError(400) that names what is wrong and what would be right."""
    names = (*_KINDS, *others)
    for name in given:
        if name not in _KINDS:
            raise ClientError(BAD_REQUEST, f"unknown name {name[:100]!r}{hint(name, names, 'names')}")
    aims = [kind for kind in _AIMS if kind.value in given and given[kind.value] not in (None, False)]
    if len(aims) != 1:
        raise ClientError(BAD_REQUEST, f"say exactly one of {', '.join(_KINDS)}")
    return aims[0], _argument(aims[0], given[aims[0].value])


def _json_object(body: bytes) -> dict[str, object]:
    try:
        value = json.loads(body)
    except ValueError as error:
        raise ClientError(BAD_REQUEST, f"the body is not JSON: {error}") from None
    except RecursionError:
        raise ClientError(BAD_REQUEST, "the body is nested too deep") from None
    if not isinstance(value, dict):
        raise ClientError(BAD_REQUEST, 'the body must be a JSON object, as in {"url": "/path"}')
    return value


def _argument(kind: PurgeKind, value: object) -> str:
    if kind is PurgeKind.ALL:
        if value is True or (isinstance(value, str) and value.lower() in _TRUE):
            return ""
        raise ClientError(BAD_REQUEST, "'all' must be true")
    if not isinstance(value, str) or not value:
        raise ClientError(BAD_REQUEST, f'{kind.value!r} must be a text, as in "/path"')
    return value


def read_mode(value: object, name: str) -> AskedMode:
    """A purge's mode. Raises ClientError(400), which calls it ``name``."""
    try:
        return AskedMode(str(value))
    except ValueError:
        right = ", ".join(mode.value for mode in AskedMode)
        raise ClientError(BAD_REQUEST, f"{name} must be one of {right}, not {value!r}") from None


def _is_true(value: object) -> bool:
    if isinstance(value, bool):
        return value
    if isinstance(value, str) and value.lower() in _TRUE | _FALSE:
        return value.lower() in _TRUE
    raise ClientError(BAD_REQUEST, f"'dry_run' must be true or false, not {value!r}")
