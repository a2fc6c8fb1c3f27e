"""The JSON Schema of the file (draft 2020-12), for editors, made of the model's own types. Judges no file."""

import ast
import inspect
import textwrap
from collections.abc import Iterator
from typing import Any, Final, get_args, get_origin

import msgspec

from proxy.config.keys import hints_of
from proxy.config.model import Config
from proxy.config.quantities import SCHEMA_DURATION, SCHEMA_RATIO, SCHEMA_SIZE
from proxy.config.scalars import unwrapped
from proxy.config.secret import Secret, SecretUrl

_DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"
_WRITTEN: Final = {"duration": SCHEMA_DURATION, "size": SCHEMA_SIZE, "ratio": SCHEMA_RATIO}
_FILLED: Final = {"type": "string", "pattern": r"\$\{", "description": "A value from the environment: ${NAME}"}
"""Any scalar may be a text like this."""
_SHORTHAND: Final = {"boolean", "integer", "number"}


def schema() -> dict[str, Any]:
    """The whole file. Durations, sizes and parts as people write them, and ``${NAME}`` in place of any single value."""
    made = msgspec.json.schema(Config)
    definitions: dict[str, Any] = made["$defs"]
    for secret in (Secret, SecretUrl):
        definitions[secret.__name__] = {"type": "string", "minLength": 1}
    for kind in _sections(Config):
        definition = definitions[kind.__name__]
        definition["additionalProperties"] = False
        for name, told in _docstrings(kind).items():
            definition["properties"][name] = {"description": told, **definition["properties"][name]}
    root: dict[str, Any] = _loosened(definitions.pop("Config"))
    written = {form: {"type": "string", "pattern": pattern} for form, pattern in _WRITTEN.items()}
    root["$defs"] = {name: _loosened(node) for name, node in definitions.items()} | written | {"filled": _FILLED}
    return {"$schema": _DIALECT, **root, "title": "tambo.toml"}


def _loosened(node: Any) -> Any:
    """What the file may say where the model has a number, a word or a truth; nothing there is null."""
    if isinstance(node, list | tuple):
        return [_loosened(item) for item in node if item != {"type": "null"}]
    if not isinstance(node, dict):
        return node
    node = {name: _loosened(item) for name, item in node.items() if not _is_null_default(name, item)}
    if len(node.get("anyOf", ())) == 1:
        (only,) = node.pop("anyOf")
        node = {**only, **node}
    if "form" in node:
        return _quantity(node)
    if node.get("type") in _SHORTHAND or ("enum" in node and node.get("type", "string") == "string"):
        kept = {name: node.pop(name) for name in ("title", "description", "default") if name in node}
        return {**kept, "anyOf": [node, _reference("filled")]}
    return node


def _is_null_default(name: str, item: Any) -> bool:
    return name == "default" and (item is None or isinstance(item, dict))


def _quantity(node: dict[str, Any]) -> dict[str, Any]:
    form = node.pop("form")
    kept: dict[str, Any] = {name: node.pop(name) for name in ("description", "default") if name in node}
    return {**kept, "anyOf": [node, _reference(form), _reference("filled")]}


def _reference(name: str) -> dict[str, str]:
    return {"$ref": f"#/$defs/{name}"}


def _sections(kind: type[msgspec.Struct]) -> Iterator[type[msgspec.Struct]]:
    """The struct and every one below it."""
    yield kind
    for hint in hints_of(kind).values():
        inner, _ = unwrapped(hint)
        inner = unwrapped(get_args(inner)[0])[0] if get_origin(inner) is tuple else inner
        if isinstance(inner, type) and issubclass(inner, msgspec.Struct):
            yield from _sections(inner)


def _docstrings(kind: type[msgspec.Struct]) -> dict[str, str]:
    """What the source says below each field; nothing where there is no source to read."""
    try:
        (definition,) = ast.parse(textwrap.dedent(inspect.getsource(kind))).body
    except (OSError, TypeError, ValueError):
        return {}
    told: dict[str, str] = {}
    name = ""
    for statement in getattr(definition, "body", ()):
        match statement:
            case ast.AnnAssign(target=ast.Name(id=found)):
                name = found
            case ast.Expr(value=ast.Constant(value=str(text))) if name:
                told[name] = " ".join(inspect.cleandoc(text).split())
    return told
