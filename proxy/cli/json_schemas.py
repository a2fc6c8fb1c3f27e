"""What each verb prints with ``--json``, as JSON Schemas (draft 2020-12). Data alone; prints nothing.

Where a verb prints the admin API's answer, the schema is the API's own: there is no second description of it.
"""

from copy import deepcopy
from typing import Any, Final

import msgspec

from proxy.cli.findings import State
from proxy.config.model import Config
from proxy.config.secret import Secret, SecretUrl
from proxy.edge.admin.openapi_schemas import SCHEMAS

_DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"
_API: Final = "#/components/schemas/"
_TEXT: Final = {"type": "string"}
_MAYBE_TEXT: Final = {"type": ["string", "null"]}
_TEXTS: Final = {"type": "object", "additionalProperties": _TEXT}


def _object(**properties: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": [*properties], "additionalProperties": False}


def _list(of: Any) -> dict[str, Any]:
    return {"type": "array", "items": of}


def _api(name: str) -> dict[str, str]:
    return {"$ref": f"{_API}{name}"}


_ERROR: Final = _object(key=_TEXT, problem=_TEXT, source=_MAYBE_TEXT)
_FINDING: Final = _object(about=_TEXT, state={"enum": [state.value for state in State]}, said=_TEXT, do=_TEXT)
_CHECKED: Final = _object(
    valid={"const": True},
    file=_MAYBE_TEXT,
    warnings=_list(_TEXT),
    config={"$ref": "#/$defs/Config"},
    sources=_TEXTS,
)

VERBS: Final[dict[str, dict[str, Any]]] = {
    "check": {"oneOf": [_CHECKED, _object(valid={"const": False}, errors=_list(_ERROR))]},
    "doctor": _object(ok={"type": "boolean"}, findings=_list(_FINDING)),
    "entries ls": {"description": "Each line.", **_api("Entries/properties/entries/items")},
    "entries rm": {"description": "Each line.", **_api("Removed")},
    "entries show": _api("WholeEntry"),
    "explain": _api("Explanation"),
    "mode": _api("Mode"),
    "purge": _api("Purged"),
    "stats": _api("Stats"),
    "top": _api("Top"),
    "version": _object(version=_TEXT, python=_TEXT, packages=_TEXTS),
    "warm": {"description": "The job; with --jobs each line.", **_api("Job")},
}


def output_schema(verb: str) -> dict[str, Any]:
    """Of one of ``VERBS``, whole: it refers to nothing outside."""
    made = {"$schema": _DIALECT, "title": f"tambo {verb} --json", **deepcopy(VERBS[verb])}
    if verb == "check":
        return made | {"$defs": _config_schemas()}
    names = _needed(made, frozenset())
    return made | ({"components": {"schemas": {name: SCHEMAS[name] for name in sorted(names)}}} if names else {})


def _needed(node: Any, known: frozenset[str]) -> frozenset[str]:
    """The API's schemas that this one refers to, and those that they do."""
    for item in node.values() if isinstance(node, dict) else node:
        if isinstance(item, dict | list):
            known = _needed(item, known)
        elif str(item).startswith(_API):
            name = item.removeprefix(_API).partition("/")[0]
            known = known if name in known else _needed(SCHEMAS[name], known | {name})
    return known


def _config_schemas() -> dict[str, Any]:
    """The effective configuration, made of the model's own types: every key is there, times and sizes are numbers."""
    definitions: dict[str, Any] = msgspec.json.schema(Config)["$defs"]
    for secret in (Secret, SecretUrl):
        definitions[secret.__name__] = _TEXT
    for definition in definitions.values():
        if "properties" in definition:
            named = {name: _plain(each) for name, each in definition["properties"].items()}
            definition |= {"properties": named, "required": [*named], "additionalProperties": False}
    return definitions


def _plain(node: Any) -> Any:
    """Without what only writers of the file need: how a value may be written, and what holds where nothing is said."""
    if isinstance(node, list | tuple):
        return [_plain(item) for item in node]
    if not isinstance(node, dict):
        return node
    return {name: _plain(item) for name, item in node.items() if name not in {"form", "default"}}
