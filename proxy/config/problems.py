"""What is wrong with a configuration, all of it together, and the nearest word to a wrong one. Reads nothing."""

import difflib
from collections.abc import Iterable, Sequence

from proxy.errors import ConfigError, ProxyError


class InvalidConfigError(ProxyError):
    """The operator's fault: every problem that was found, each naming its key and where it came from."""

    def __init__(self, problems: Sequence[ConfigError]) -> None:
        super().__init__("\n".join(str(problem) for problem in problems))
        self.problems = tuple(problems)


def suggestion(word: str, known: Iterable[str]) -> str | None:
    """The known word nearest to a mistyped one; None where nothing is near."""
    by_folded = {name.casefold().replace("-", "_"): name for name in known}
    near = difflib.get_close_matches(word.casefold().replace("-", "_"), by_folded, n=1, cutoff=0.6)
    return by_folded[near[0]] if near else None


def show(value: object) -> str:
    """A value in a message: quoted where it is text, on one line, cut where it is long."""
    match value:
        case bool():
            text = str(value).lower()
        case str():
            # Quoted as in the file, with everything that could break the line escaped.
            text = '"' + value.encode("unicode_escape").decode("ascii").replace('"', '\\"') + '"'
        case dict():
            text = "a table"
        case list() | tuple():
            text = "a list"
        case _:
            text = str(value)
    return text if len(text) <= 60 else f"{text[:57]}..."  # noqa: PLR2004 - a line's worth
