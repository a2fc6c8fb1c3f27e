"""Bytes to text, and text to comparable words, for pages whose encoding cannot be trusted. Knows no page."""

import re
import unicodedata
from typing import Final

UNREADABLE: Final = "\N{REPLACEMENT CHARACTER}"
"""What a decoder leaves where it could not read a byte."""

_MISREAD = re.compile("([\u00c2\u00c3])([^\x00-\x7f])")


def decode(body: bytes, charset: str | None) -> str:
    """Decode a page by the header's `charset` if it names one, else as UTF-8, else as Windows-1252 or Latin-1.

    Never raises. UTF-8 that was declared as a one-byte encoding is mended.
    """
    for name in (charset, "utf-8", "cp1252"):
        if name is None:
            continue
        try:
            return mend(body.decode(name))
        except (LookupError, ValueError):
            continue
    return body.decode("latin-1")


def mend(text: str) -> str:
    """Repair the letters of UTF-8 that was read one byte at a time, where "ú" looks like "Ãº"."""
    return _MISREAD.sub(_reread, text) if "\u00c3" in text or "\u00c2" in text else text


def _reread(pair: re.Match[str]) -> str:
    lead, trail = pair.groups()
    for encoding in ("latin-1", "cp1252"):
        try:
            return (lead.encode("latin-1") + trail.encode(encoding)).decode("utf-8")
        except UnicodeError:
            continue
    return pair.group()


def collapse(text: str) -> str:
    """One line, single spaces, no blanks (no-break spaces included) at the ends."""
    return " ".join(text.split())


def first_line(text: str) -> str:
    """Return the first line that is not blank, collapsed; empty when there is none."""
    return next((line for line in map(collapse, text.splitlines()) if line), "")


def fold(text: str) -> str:
    """Reduce to upper-case ASCII letters and digits, accents dropped; unreadable characters stay as they are."""
    decomposed = unicodedata.normalize("NFKD", text).upper()
    return "".join(c for c in decomposed if (c.isascii() and c.isalnum()) or c == UNREADABLE)


def letters(text: str) -> str:
    """Like `fold`, without the digits: what is left of a label in which only the words matter."""
    return "".join(c for c in fold(text) if not c.isdigit())


def alike(seen: str, expected: str) -> bool:
    """Compare two folded texts; an unreadable character in `seen` stands for any one character."""
    return len(seen) == len(expected) and all(a in (b, UNREADABLE) for a, b in zip(seen, expected, strict=True))


def mentions(seen: str, expected: str) -> bool:
    """Whether `expected` occurs in `seen` (both folded), as `alike` compares."""
    if UNREADABLE not in seen:
        return expected in seen
    width = len(expected)
    return any(alike(seen[at : at + width], expected) for at in range(len(seen) - width + 1))
