"""What the verbs' options and help texts have in common. Does nothing itself."""

from typing import Annotated

from cyclopts import Parameter

EXIT_CODES = "Exit codes: 0 ok, 1 failed, 2 usage, 3 invalid configuration, 4 nothing matched."


def examples(*lines: str) -> str:
    """The end of a verb's help."""
    return "\n".join(["Examples:", *(f"  {line}" for line in lines), "", EXIT_CODES])


def switch(words: str, name: str | list[str] | None = None) -> Parameter:
    """An option that is there or not, or may be repeated."""
    return Parameter(name=name, help=words, negative="", show_default=False)


AdminUrl = Annotated[str | None, Parameter(help="The admin listener's URL; default: ADMIN_HOST and ADMIN_PORT.")]
AdminFile = Annotated[str | None, Parameter(help="The file that names the admin listener.")]
AsJson = Annotated[bool, switch("Print the API's answer.")]
AsJsonLines = Annotated[bool, switch("One JSON object for each entry, a line each.")]
Prefix = Annotated[str | None, Parameter(help="Everything whose path begins so.")]
Pattern = Annotated[str | None, Parameter(help="Everything whose path is like this; * stands for any characters.")]
Tag = Annotated[str | None, Parameter(help="Everything that carries this tag.")]
OfRoute = Annotated[str | None, Parameter(help="Everything stored by this route of the configuration.")]
CheckedFile = Annotated[str | None, Parameter(help="The file; default: TAMBO_CONFIG, else ./tambo.toml if there.")]
