"""Which rows of the embedded store a purge is aimed at, as questions to SQLite, step by step. Changes nothing."""

from typing import Final

from proxy.exchange.entry_ids import read_entry_id
from proxy.exchange.purges import Purge, PurgeKind
from proxy.policy.cache_key import kinship
from proxy.policy.glob import path_glob

_WHICH: Final = "SELECT target, stored.id, position, ended, route FROM stored"
_OF_KEY: Final = (
    f"{_WHICH} WHERE (key = ? OR (key >= ? AND key < ?) OR (key >= ? AND key < ? AND instr(key, x'23'))) AND id > ?"
    " ORDER BY id LIMIT ?"
)
"""Of a URL: its own, and every content and search key of its path, which have a number sign (x'23')."""
_OF_ENTRY: Final = f"{_WHICH} WHERE key = ? AND variant = ? AND id > ? ORDER BY id LIMIT ?"
_OF_ALL: Final = f"{_WHICH} WHERE id > ? ORDER BY id LIMIT ?"
_OF_TAG: Final = (
    "SELECT target, stored.id, position, ended, route FROM tagged JOIN stored ON stored.id = tagged.id"
    " WHERE tag = ? AND tagged.id > ? ORDER BY tagged.id LIMIT ?"
)
_OF_PREFIX: Final = f"{_WHICH} WHERE target >= ? AND target < ? AND (target, id) > (?, ?) ORDER BY target, id LIMIT ?"


def aim(purge: Purge, target: bytes, row_id: int, most: int) -> tuple[str, tuple[object, ...]]:
    """The question, with its values, whose rows are the next ``most`` that a purge may be aimed at, behind the row
    where the last step ended: target, id, position, ended, route. Whether it is, ``is_met`` says."""
    argument = as_bytes(purge.argument)
    match purge.kind:
        case PurgeKind.URL:
            kin = as_bytes(kinship(purge.argument))
            return _OF_KEY, (argument, kin + b"#", kin + b"$", kin + b"?", kin + b"@", row_id, most)
        case PurgeKind.PREFIX:
            return _below(argument, target, row_id, most)
        case PurgeKind.PATTERN:
            return _below(as_bytes(path_glob(purge.argument).head), target, row_id, most)
        case PurgeKind.TAG:
            return _OF_TAG, (argument, row_id, most)
        case PurgeKind.ENTRY:
            text, variant = read_entry_id(purge.argument)
            return _OF_ENTRY, (as_bytes(text), variant, row_id, most)
        case PurgeKind.ROUTE | PurgeKind.ALL:
            return _OF_ALL, (row_id, most)


def _below(head: bytes, target: bytes, row_id: int, most: int) -> tuple[str, tuple[object, ...]]:
    # 0xFF is in no UTF-8 text, so it stands behind every target that begins so.
    return _OF_PREFIX, (max(head, target), head + b"\xff", target, row_id, most)


def is_met(purge: Purge, target: bytes, route: bytes) -> bool:
    """Whether a row that ``aim`` found is one that the purge is aimed at."""
    match purge.kind:
        case PurgeKind.PATTERN:
            return path_glob(purge.argument).matches(target.decode("utf-8", "surrogatepass"))
        case PurgeKind.ROUTE:
            return route in (as_bytes(purge.argument), b"")  # b"": written when routes were not noted yet
        case _:
            return True


def as_bytes(text: str) -> bytes:
    """Text as it is compared and kept: any string at all, prefixes stay prefixes."""
    return text.encode("utf-8", "surrogatepass")
