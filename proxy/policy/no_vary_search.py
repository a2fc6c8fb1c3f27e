"""No-Vary-Search: which parts of a query make no other resource (draft-ietf-httpbis-no-vary-search). Stores nothing.

A rule maps every query to its canonical form: two queries are equivalent under the rule exactly when their forms are
the same text.
"""

from hashlib import blake2b
from typing import Any, Final
from urllib.parse import parse_qsl, unquote_plus, urlencode

import http_sf
from msgspec import Struct

FIELD: Final = "no-vary-search"
_MOST_NAMES: Final = 256
"""Names in one rule; a longer one is not heard."""


class SearchRule(Struct, frozen=True):
    """Which parameters count."""

    names: frozenset[str]
    """Decoded names: of those that do not count, or (``is_except``) of the only ones that do."""
    is_except: bool = False
    orders: bool = True
    """Whether the order of parameters with different names counts."""

    @property
    def mark(self) -> str:
        """Short, and another one for every other rule."""
        said = repr((sorted(self.names), self.is_except, self.orders)).encode("utf-8", "surrogatepass")
        return blake2b(said, digest_size=8).hexdigest()

    def canonical(self, query: str) -> str:
        """The form that all equivalent queries share (§5.2 of the draft)."""
        pairs = parse_qsl(query, keep_blank_values=True, encoding="utf-8", errors="replace")
        counting = [pair for pair in pairs if (pair[0] in self.names) is self.is_except]
        if not self.orders:
            counting.sort(key=lambda pair: pair[0])  # stable: repeated names keep their order
        return urlencode(counting, errors="surrogatepass")


def search_rule(value: str | None) -> SearchRule | None:
    """The rule in a field value; None where there is none, it cannot be read, or it says what holds anyway."""
    if value is None:
        return None
    try:
        members: Any = http_sf.parse(value.encode("latin-1"), tltype="dictionary")
    except (ValueError, RecursionError):
        return None
    try:
        return _rule({name: _bare(member) for name, member in members.items()})
    except TypeError:
        return None


def _rule(said: dict[str, Any]) -> SearchRule | None:
    """Raises TypeError for what makes the whole field mean nothing (§4 of the draft)."""
    orders = not _boolean(said.get("key-order", False))
    params, spared = said.get("params", False), said.get("except")
    if spared is not None and params is not True:
        raise TypeError("except without params")
    if params is True:
        return SearchRule(_names(spared or []), is_except=True, orders=orders)
    names = _names(params) if isinstance(params, list) else frozenset[str]()
    if not isinstance(params, list):
        _boolean(params)
    return SearchRule(names, orders=orders) if names or not orders else None


def _bare(member: Any) -> Any:
    """A member without its parameters."""
    return member[0] if isinstance(member, tuple) else member


def _boolean(value: Any) -> bool:
    if not isinstance(value, bool):
        raise TypeError("not a boolean")
    return value


def _names(members: Any) -> frozenset[str]:
    """Names as they are read in a query: decoded from application/x-www-form-urlencoded."""
    if not isinstance(members, list) or len(members) > _MOST_NAMES:
        raise TypeError("not a list of names")
    bare = [_bare(member) for member in members]
    if any(type(name) is not str for name in bare):
        raise TypeError("a name that is not a string")
    return frozenset(unquote_plus(name, errors="replace") for name in bare)
