"""Which rows of the embedded store a purge is aimed at, as questions to SQLite, step by step. Changes nothing."""

from typing import Final

from proxy.exchange.purges import Purge, PurgeKind
from proxy.policy.cache_key import kinship

_WHICH: Final = "SELECT target, id, position, ended FROM stored"
_OF_KEY: Final = (
    f"{_WHICH} WHERE (key = ? OR (key >= ? AND key < ?) OR (key >= ? AND key < ? AND instr(key, x'23'))) AND id > ?"
    " ORDER BY id LIMIT ?"
)
"""Of a URL: its own, and every content and search key of its path, which have a number sign (x'23')."""
_OF_ALL: Final = f"{_WHICH} WHERE id > ? ORDER BY id LIMIT ?"
_OF_TAG: Final = (
    "SELECT target, stored.id, position, ended FROM tagged JOIN stored ON stored.id = tagged.id"
    " WHERE tag = ? AND tagged.id > ? ORDER BY tagged.id LIMIT ?"
)
_OF_PREFIX: Final = f"{_WHICH} WHERE target >= ? AND target < ? AND (target, id) > (?, ?) ORDER BY target, id LIMIT ?"


def aim(purge: Purge, target: bytes, row_id: int, most: int) -> tuple[str, tuple[object, ...]]:
    """The question, with its values, whose rows are the next ``most`` that a purge is aimed at, behind the row where
    the last step ended: target, id, position, ended."""
    argument = as_bytes(purge.argument)
    match purge.kind:
        case PurgeKind.URL:
            kin = as_bytes(kinship(purge.argument))
            return _OF_KEY, (argument, kin + b"#", kin + b"$", kin + b"?", kin + b"@", row_id, most)
        case PurgeKind.PREFIX:
            # 0xFF is in no UTF-8 text, so it stands behind every target that begins with the argument.
            return _OF_PREFIX, (max(argument, target), argument + b"\xff", target, row_id, most)
        case PurgeKind.TAG:
            return _OF_TAG, (argument, row_id, most)
        case PurgeKind.ALL:
            return _OF_ALL, (row_id, most)


def as_bytes(text: str) -> bytes:
    """Text as it is compared and kept: any string at all, prefixes stay prefixes."""
    return text.encode("utf-8", "surrogatepass")
