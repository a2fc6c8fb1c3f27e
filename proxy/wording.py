"""The nearest known name to a wrong one, for error messages. Knows nothing of what the names mean."""

import difflib
from collections.abc import Iterable
from typing import Final

_NEAR: Final = 0.6
_MOST: Final = 20


def nearest(word: str, known: Iterable[str]) -> str | None:
    """The known word nearest to a mistyped one; None where nothing is near."""
    by_folded = {name.casefold().replace("-", "_"): name for name in known}
    near = difflib.get_close_matches(word[:100].casefold().replace("-", "_"), by_folded, n=1, cutoff=_NEAR)
    return by_folded[near[0]] if near else None


def hint(word: str, known: Iterable[str], called: str) -> str:
    """The end of a message about a wrong name: what was meant, else all there are (``called``: routes)."""
    names = list(known)
    near = nearest(word, names)
    return f"; did you mean {near!r}?" if near else f"; the {called} are {', '.join(names[:_MOST])}"
