"""Finds and reads the configuration file (TOML), and fills its ``${VARIABLE}``s in. Understands no key."""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import msgspec
from msgspec import Struct

from proxy.config.keys import joined
from proxy.config.problems import InvalidConfigError
from proxy.config.reader import labels
from proxy.config.tree import Array, Leaf, Node, Table, planted
from proxy.errors import ConfigError

DEFAULT_NAME = "tambo.toml"
MAX_BYTES = 4 * 1024 * 1024
_PLACE = re.compile(r" \(at (?P<place>[^()]*)\)$")
_REFERENCE = re.compile(r"\$(?P<escaped>\$\{)|\$\{(?P<name>[A-Za-z_][A-Za-z0-9_]*)(?::-(?P<default>[^}]*))?\}|\$\{")


def locate(argument: str | None, environ: Mapping[str, str], folder: Path) -> Path | None:
    """The file to read: as asked, else ``TAMBO_CONFIG``, else ``tambo.toml`` in ``folder`` if it is there."""
    asked = argument or environ.get("TAMBO_CONFIG")
    if asked:
        return folder / Path(asked).expanduser()
    default = folder / DEFAULT_NAME
    return default if default.is_file() else None


@dataclass(frozen=True, slots=True)
class FileText:
    """What a file said when it was read, and how the operator calls it."""

    shown: str
    text: str = field(repr=False)
    """It may hold secrets."""


def read_text(path: Path, shown: str) -> FileText:
    """The file's text. Raises InvalidConfigError where it cannot be read or is none."""
    try:
        with path.open("rb") as file:
            raw = file.read(MAX_BYTES + 1)
        if len(raw) > MAX_BYTES:
            raise InvalidConfigError([ConfigError("file", f"is larger than {MAX_BYTES // 1024 // 1024} MiB", shown)])
        return FileText(shown, raw.decode())
    except OSError as error:
        what = (error.strerror or type(error).__name__).lower()
        raise InvalidConfigError([ConfigError("file", f"cannot be read: {what}", shown)]) from None
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise InvalidConfigError([ConfigError(f"line {line}", "is not UTF-8", shown)]) from None


def parsed(file: FileText) -> Table:
    """The file's values, each with its name as its source. Raises InvalidConfigError: not TOML."""
    try:
        values = tomllib.loads(file.text)
    except tomllib.TOMLDecodeError as error:
        raise InvalidConfigError([_syntax_error(str(error), file.shown)]) from None
    except RecursionError:
        raise InvalidConfigError([ConfigError("file", "is nested too deeply", file.shown)]) from None
    return Table({name: planted(value, file.shown) for name, value in values.items()}, file.shown)


def _syntax_error(message: str, shown: str) -> ConfigError:
    """The parser's message, its place first."""
    place = _PLACE.search(message)
    return ConfigError(place["place"] if place else "file", f"not TOML: {_PLACE.sub('', message)}", shown)


class Filler(Struct):
    """Fills variables in. ``left_out``: keys that are as if they were not there, with the unset variable's name."""

    environ: Mapping[str, str]
    problems: list[ConfigError] = msgspec.field(default_factory=list)
    left_out: dict[str, str] = msgspec.field(default_factory=dict)

    def fill(self, node: Node, key: str = "") -> Node | None:
        """The node with its variables filled in. None: it was nothing but one variable that is not set."""
        match node:
            case Table():
                filled = {name: self.fill(item, joined(key, name)) for name, item in node.entries.items()}
                return Table({name: item for name, item in filled.items() if item is not None}, node.source)
            case Array():
                items = [self.fill(item, f"{key}.{name}") for name, item in zip(labels(node), node.items, strict=True)]
                return Array([item for item in items if item is not None], node.source)
            case Leaf(value=str() as text) if "${" in text:
                return self._filled(text, node, key)
            case Leaf():
                return node

    def _filled(self, text: str, leaf: Leaf, key: str) -> Leaf | None:
        whole = _REFERENCE.fullmatch(text)
        if whole is not None and whole["name"] and whole["default"] is None and whole["name"] not in self.environ:
            self.left_out[key] = whole["name"]
            return None

        def one(found: re.Match[str]) -> str:
            if found["escaped"]:
                return "${"
            if not found["name"]:
                problem = "has a '${' that names no variable (write '$${' for the characters themselves)"
                self.problems.append(ConfigError(key, problem, leaf.source))
                return ""
            value = self.environ.get(found["name"], found["default"])
            if value is None:
                name = found["name"]
                problem = (
                    f"needs the environment variable {name}, which is not set (${{{name}:-default}} gives a default)"
                )
                self.problems.append(ConfigError(key, problem, leaf.source))
            return value or ""

        value = _REFERENCE.sub(one, text)
        names = dict.fromkeys(f"${found['name']}" for found in _REFERENCE.finditer(text) if found["name"])
        source = f"{leaf.source} ({', '.join(names)})" if names else leaf.source
        return Leaf(value, source, is_text=bool(names))
