"""The verbs ``tambo entries ls``, ``show`` and ``rm``: their options and their help. Does nothing itself."""

from typing import Annotated

from cyclopts import App, Parameter

_ADMIN = Parameter(help="The admin listener's URL; default: ADMIN_HOST and ADMIN_PORT.")
_CONFIG = Parameter(help="The file that names the admin listener.")
_ID = Parameter(name="ID", help="As tambo entries ls shows it.")


def _switch(words: str) -> Parameter:
    return Parameter(help=words, negative="", show_default=False)


app = App(name="entries", help="Look through what a running Tambo has stored. The token is ADMIN_TOKEN's.")


@app.command
def ls(  # noqa: PLR0913 - each is an option of the command
    url: Annotated[
        str | None, Parameter(name="URL", help="An absolute URL, or path and query; default: everything.")
    ] = None,
    /,
    *,
    prefix: Annotated[str | None, Parameter(help="Everything whose path begins so.")] = None,
    pattern: Annotated[
        str | None, Parameter(help="Everything whose path is like this; * stands for any characters.")
    ] = None,
    tag: Annotated[str | None, Parameter(help="Everything that carries this tag.")] = None,
    route: Annotated[str | None, Parameter(help="Everything stored by this route of the configuration.")] = None,
    limit: Annotated[int, Parameter(help="At most so many; 0: all.")] = 50,
    json: Annotated[bool, _switch("One JSON object for each entry, a line each.")] = False,
    admin: Annotated[str | None, _ADMIN] = None,
    config: Annotated[str | None, _CONFIG] = None,
) -> int:
    """List what is stored, in no particular order; exit code 4 where nothing is."""
    from proxy.cli.entries import Search, list_entries  # noqa: PLC0415 - each verb imports only what it needs
    from proxy.cli.purge import Where  # noqa: PLC0415

    search = Search(url, prefix, pattern, tag, route, limit)
    return list_entries(search, Where(config, admin), json_wanted=json)


@app.command
def show(
    entry: Annotated[str, _ID],
    /,
    *,
    json: Annotated[bool, _switch("Print the API's answer.")] = False,
    admin: Annotated[str | None, _ADMIN] = None,
    config: Annotated[str | None, _CONFIG] = None,
) -> int:
    """Show one stored response: its head, its windows and its body; secrets are masked."""
    from proxy.cli.entries import show_entry  # noqa: PLC0415
    from proxy.cli.purge import Where  # noqa: PLC0415

    return show_entry(entry, Where(config, admin), json_wanted=json)


@app.command
def rm(
    entries: Annotated[tuple[str, ...], _ID],
    /,
    *,
    json: Annotated[bool, _switch("One JSON object for each entry, a line each.")] = False,
    admin: Annotated[str | None, _ADMIN] = None,
    config: Annotated[str | None, _CONFIG] = None,
) -> int:
    """Remove stored responses, each alone (their other variants stay); exit code 4 where none was there."""
    from proxy.cli.entries import remove_entries  # noqa: PLC0415
    from proxy.cli.purge import Where  # noqa: PLC0415

    return remove_entries(entries, Where(config, admin), json_wanted=json)
