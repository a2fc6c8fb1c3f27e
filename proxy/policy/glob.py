"""Patterns over paths, as operators write them: ``/a/*/b``. Pure; matches in time linear in the lengths of both."""

from functools import lru_cache
from typing import Final

from msgspec import Struct

LONGEST: Final = 512
"""Characters of a pattern."""
MOST_STARS: Final = 16


class PathGlob(Struct, frozen=True):
    """``*`` stands for any run of characters, none and slashes included; every other character for itself.

    It is held against the whole raw path; one with a ``?`` against path and query.
    """

    head: str
    """What stands before the first ``*``: every path that matches begins so. All of it where there is none."""
    middle: tuple[str, ...]
    tail: str | None
    """What stands behind the last ``*``; None: there is none."""
    with_query: bool

    def matches(self, target: str) -> bool:
        """Whether it means this raw target."""
        text = target if self.with_query else target.partition("?")[0]
        if self.tail is None:
            return text == self.head
        at, end = len(self.head), len(text) - len(self.tail)
        if at > end or not text.startswith(self.head) or not text.endswith(self.tail):
            return False
        for piece in self.middle:  # the first place is the best: it leaves the most for what follows
            at = text.find(piece, at, end)
            if at < 0:
                return False
            at += len(piece)
        return True


@lru_cache(maxsize=1024)
def path_glob(text: str) -> PathGlob:
    """Compile a pattern. Raises ValueError, saying what is wrong and what would be right."""
    if not text.startswith(("/", "*")):
        raise ValueError(f"a pattern begins with '/' or '*', as in /api/*/detail, not {text[:40]!r}")
    if len(text) > LONGEST:
        raise ValueError(f"a pattern has at most {LONGEST} characters, not {len(text)}")
    if text.count("*") > MOST_STARS:
        raise ValueError(f"a pattern has at most {MOST_STARS} '*', not {text.count('*')}")
    head, *rest = text.split("*")
    if not rest:
        return PathGlob(head, (), None, "?" in text)
    return PathGlob(head, tuple(piece for piece in rest[:-1] if piece), rest[-1], "?" in text)
