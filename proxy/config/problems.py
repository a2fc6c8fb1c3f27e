"""What is wrong with a configuration, all of it together. Reads nothing."""

from collections.abc import Sequence

from proxy.errors import ConfigError, ProxyError


class InvalidConfigError(ProxyError):
    """The operator's fault: every problem that was found, each naming its key and where it came from."""

    def __init__(self, problems: Sequence[ConfigError]) -> None:
        super().__init__("\n".join(str(problem) for problem in problems))
        self.problems = tuple(problems)


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
