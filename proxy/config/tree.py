"""The configuration before it is understood: values with the place each came from, later sources laid over earlier.

Knows neither the model nor any file.
"""

from collections.abc import Sequence
from typing import TypeAlias

from msgspec import Struct


class Leaf(Struct, frozen=True):
    """A single value. ``is_text``: it came as text (a variable, an option) and may stand for a number or a list."""

    value: object
    source: str
    is_text: bool = False


class Array(Struct):
    """A list of values."""

    items: "list[Node]"
    source: str


class Table(Struct):
    """Named values."""

    entries: "dict[str, Node]"
    source: str


Node: TypeAlias = Leaf | Array | Table


def planted(value: object, source: str) -> Node:
    """A parsed TOML value as nodes that all came from ``source``."""
    match value:
        case dict():
            return Table({str(name): planted(item, source) for name, item in value.items()}, source)
        case list():
            return Array([planted(item, source) for item in value], source)
        case _:
            return Leaf(value, source)


def label(node: Node, index: int) -> str:
    """How a list's item is called in a dotted key: by its ``name`` where it has one, else by its place from 0."""
    if isinstance(node, Table) and isinstance(name := node.entries.get("name"), Leaf) and isinstance(name.value, str):
        return name.value
    return str(index)


def graft(root: Table, path: Sequence[str], leaf: Leaf) -> str | None:
    """Lay a value over the tree at a dotted path. None: done; else what is wrong with the path."""
    node: Node = root
    for depth, step in enumerate(path[:-1]):
        below = _below(node, step, leaf.source)
        if below is None:
            return f"there is no {'.'.join(path[: depth + 1])} to change"
        node = below
    match node:
        case Table():
            node.entries[path[-1]] = leaf
        case Array():
            place = _place(node, path[-1])
            if place is None:
                return f"there is no {'.'.join(path)} to change"
            node.items[place] = leaf
        case Leaf():
            return f"{'.'.join(path[:-1])} was set as a whole by {node.source}"
    return None


def _below(node: Node, step: str, source: str) -> Node | None:
    match node:
        case Table():
            return node.entries.setdefault(step, Table({}, source))
        case Array():
            place = _place(node, step)
            return None if place is None else node.items[place]
        case Leaf():
            return None


def _place(array: Array, step: str) -> int | None:
    names = [_folded(label(item, index)) for index, item in enumerate(array.items)]
    if _folded(step) in names:
        return names.index(_folded(step))
    return int(step) if step.isascii() and step.isdigit() and int(step) < len(array.items) else None


def _folded(name: str) -> str:
    # The name of a variable has no lower case and no hyphen.
    return name.casefold().replace("-", "_")


def plain(node: Node) -> object:
    """The values alone, without where they came from."""
    match node:
        case Table():
            return {name: plain(item) for name, item in node.entries.items()}
        case Array():
            return [plain(item) for item in node.items]
        case Leaf():
            return node.value
