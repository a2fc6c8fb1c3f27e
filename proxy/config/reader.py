"""Turns the tree of values into the model's frozen structs, guided by their type hints alone.

Goes on after a problem, so that all are told together. Knows no key by name.
"""

import tomllib
import types
from collections.abc import Mapping, Sequence
from typing import Any, Final, Literal, Union, get_args, get_origin

import msgspec
from msgspec import Struct, field

from proxy.config.keys import hints_of, joined, required_of
from proxy.config.problems import show
from proxy.config.scalars import converted, right, unwrapped
from proxy.config.secret import Secret
from proxy.config.tree import Array, Leaf, Node, Table, label, plain, planted
from proxy.errors import ConfigError
from proxy.wording import nearest

BAD: Final = object()
"""Stands for a value that could not be read; a struct with one is not made."""


class Reader(Struct):
    """Reads one tree; collects what is wrong with it and where each value came from."""

    problems: list[ConfigError] = field(default_factory=list)
    provenance: dict[str, str] = field(default_factory=dict)

    def section(self, kind: type[msgspec.Struct], node: Node, key: str = "") -> Any:
        """The struct made of a table, or ``BAD``."""
        if not isinstance(node, Table):
            return self._wrong(key, node, "a table")
        hints = hints_of(kind)
        read: dict[str, object] = {}
        for name, item in node.entries.items():
            if name in hints:
                read[name] = self.value(hints[name], item, joined(key, name))
            else:
                self._unknown(joined(key, name), name, hints, item)
        for name in required_of(kind):
            if name not in node.entries:
                read[name] = self._problem(joined(key, name), "is missing", node.source)
        return BAD if any(value is BAD for value in read.values()) else kind(**read)

    def value(self, kind: Any, node: Node, key: str) -> Any:
        """The value of a type hint, or ``BAD``."""
        kind, metas = unwrapped(kind)
        if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
            return self.section(kind, self._opened(node, kind), key)
        if get_origin(kind) is tuple:
            items = self._items(get_args(kind)[0], self._opened(node, kind), key)
            return items if items or not metas else self._wrong(key, node, "a list that is not empty")
        if get_origin(kind) is Mapping or kind is Mapping:
            return self._pairs(kind, self._opened(node, kind), key)
        if get_origin(kind) in {Union, types.UnionType}:
            return self._either(kind, node, key)
        return self._scalar(kind, metas, node, key)

    def _scalar(self, kind: Any, metas: Sequence[msgspec.Meta], node: Node, key: str) -> object:
        if not isinstance(node, Leaf):
            return self._wrong(key, node, right(kind, metas))
        try:
            value = converted(kind, metas, node)
        except ValueError as error:
            return self._wrong(key, node, str(error), secret=isinstance(kind, type) and issubclass(kind, Secret))
        self.provenance[key] = node.source
        return value

    def _items(self, kind: Any, node: Node, key: str) -> object:
        if not isinstance(node, Array):
            return self._wrong(key, node, "a list")
        names = labels(node)
        items = [self.value(kind, item, f"{key}.{name}") for name, item in zip(names, node.items, strict=True)]
        self.provenance[key] = node.source
        return BAD if any(item is BAD for item in items) else tuple(items)

    def _pairs(self, kind: Any, node: Node, key: str) -> object:
        if not isinstance(node, Table):
            return self._wrong(key, node, "a table")
        of_name, of_item = get_args(kind)
        pairs: dict[object, object] = {}
        for name, item in node.entries.items():
            read = self.value(of_name, Leaf(name, node.source, is_text=True), f"{key}.{name}")
            pairs[read] = self.value(of_item, item, f"{key}.{name}")
        self.provenance[key] = node.source
        return BAD if BAD in pairs or BAD in pairs.values() else types.MappingProxyType(pairs)

    def _either(self, kind: Any, node: Node, key: str) -> object:
        """A list or one of a few words; or one value or one of a few words."""
        words = [word for option in get_args(kind) if get_origin(option) is Literal for word in get_args(option)]
        if isinstance(node, Leaf) and node.value in words:
            self.provenance[key] = node.source
            return node.value
        listed = next((option for option in get_args(kind) if get_origin(option) is tuple), None)
        if listed is None:
            return self._single(kind, words, node, key)
        opened = self._opened(node, listed)
        if not isinstance(opened, Array):
            return self._wrong(key, node, " or ".join(["a list", *(show(word) for word in words)]))
        return self._items(get_args(listed)[0], opened, key)

    def _single(self, kind: Any, words: Sequence[object], node: Node, key: str) -> object:
        single, metas = unwrapped(next(option for option in get_args(kind) if get_origin(option) is not Literal))
        try:
            value = converted(single, metas, node) if isinstance(node, Leaf) else BAD
        except ValueError:
            value = BAD
        if value is BAD:
            return self._wrong(key, node, " or ".join([right(single, metas), *(show(word) for word in words)]))
        self.provenance[key] = node.source
        return value

    def _opened(self, node: Node, kind: Any) -> Node:
        """Text that stands for a table or a list: a TOML value, or a list's items with commas between."""
        if not isinstance(node, Leaf) or not node.is_text:
            return node
        text = str(node.value)
        try:
            return planted(tomllib.loads(f"value = {text}")["value"], node.source)
        except tomllib.TOMLDecodeError:
            if get_origin(kind) is not tuple or text.lstrip().startswith(("[", "{")):
                return node
            return Array([Leaf(item.strip(), node.source, is_text=True) for item in text.split(",")], node.source)

    def _wrong(self, key: str, node: Node, wanted: str, *, secret: bool = False) -> object:
        if secret:
            return self._problem(key, "must be a text that is not empty", node.source)
        return self._problem(key, f"must be {wanted}, not {show(plain(node))}", node.source)

    def _unknown(self, key: str, name: str, known: Mapping[str, object], node: Node) -> None:
        near = nearest(name, known)
        hint = f"did you mean {near!r}?" if near else f"known here: {', '.join(sorted(known))}"
        self._problem(key, f"unknown key; {hint}", node.source)

    def _problem(self, key: str, problem: str, source: str) -> object:
        self.problems.append(ConfigError(key, problem, source))
        return BAD


def labels(array: Array) -> list[str]:
    """What the items are called in dotted keys: each differently."""
    names: list[str] = []
    for index, item in enumerate(array.items):
        name = label(item, index)
        names.append(str(index) if name in names else name)
    return names
