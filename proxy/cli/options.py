"""What the verbs' options and help texts have in common. Does nothing itself."""

from typing import Annotated

from cyclopts import Parameter

EXIT_CODES = "Exit codes: 0 ok, 1 failed, 2 usage, 3 invalid configuration, 4 nothing matched."


def examples(*lines: str) -> str:
    """The end of a verb's help."""
    return "\n".join(["Examples:", *(f"  {line}" for line in lines), "", EXIT_CODES])


def switch(words: str, name: str | None = None) -> Parameter:
    """An option that is there or not."""
    return Parameter(name=name, help=words, negative="", show_default=False)


AdminUrl = Annotated[str | None, Parameter(help="The admin listener's URL; default: ADMIN_HOST and ADMIN_PORT.")]
AdminFile = Annotated[str | None, Parameter(help="The file that names the admin listener.")]
AsJson = Annotated[bool, switch("Print the API's answer.")]
