"""The verbs ``tambo entries ls``, ``show`` and ``rm``: their options and their help. Does nothing itself."""

from typing import Annotated

from cyclopts import App, Parameter

from proxy.cli.options import (
    EXIT_CODES,
    AdminFile,
    AdminUrl,
    AsJson,
    AsJsonLines,
    OfRoute,
    Pattern,
    Prefix,
    Tag,
    examples,
)

_ID = Parameter(name="ID", help="As tambo entries ls shows it.")

app = App(
    name="entries",
    help="Look through what a running Tambo has stored. The token is ADMIN_TOKEN's.",
    help_epilogue=EXIT_CODES,
)


@app.command(
    help_epilogue=examples(
        "tambo entries ls",
        "tambo entries ls /obtener-ruc/20999999019",
        "tambo entries ls --tag sunat --limit 0 --json",
    )
)
def ls(  # noqa: PLR0913 - each is an option of the command
    url: Annotated[
        str | None, Parameter(name="URL", help="An absolute URL, or path and query; default: everything.")
    ] = None,
    /,
    *,
    prefix: Prefix = None,
    pattern: Pattern = None,
    tag: Tag = None,
    route: OfRoute = None,
    limit: Annotated[int, Parameter(help="At most so many; 0: all.")] = 50,
    json: AsJsonLines = False,
    admin: AdminUrl = None,
    config: AdminFile = None,
) -> int:
    """List what is stored, in no particular order; exit code 4 where nothing is."""
    from proxy.cli.entries import Search, list_entries  # noqa: PLC0415 - each verb imports only what it needs
    from proxy.cli.purge import Where  # noqa: PLC0415

    search = Search(url, prefix, pattern, tag, route, limit)
    return list_entries(search, Where(config, admin), json_wanted=json)


@app.command(
    help_epilogue=examples(
        "tambo entries show ID",
        "tambo entries show ID --json | jq .body",
    )
)
def show(
    entry: Annotated[str, _ID],
    /,
    *,
    json: AsJson = False,
    admin: AdminUrl = None,
    config: AdminFile = None,
) -> int:
    """Show one stored response: its head, its windows and its body; secrets are masked."""
    from proxy.cli.entries import show_entry  # noqa: PLC0415
    from proxy.cli.purge import Where  # noqa: PLC0415

    return show_entry(entry, Where(config, admin), json_wanted=json)


@app.command(
    help_epilogue=examples(
        "tambo entries rm ID",
        "tambo entries rm $(tambo entries ls --prefix /old/ --json | jq -r .id)",
    )
)
def rm(
    entries: Annotated[tuple[str, ...], _ID],
    /,
    *,
    json: AsJsonLines = False,
    admin: AdminUrl = None,
    config: AdminFile = None,
) -> int:
    """Remove stored responses, each alone (their other variants stay); exit code 4 where none was there."""
    from proxy.cli.entries import remove_entries  # noqa: PLC0415
    from proxy.cli.purge import Where  # noqa: PLC0415

    return remove_entries(entries, Where(config, admin), json_wanted=json)
