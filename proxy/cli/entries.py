"""``tambo entries``: asks a running Tambo what it has stored, and prints it. Touches no store itself."""

import json
from collections.abc import Iterator, Sequence
from typing import Any
from urllib.parse import quote, urlencode

from msgspec import Struct

from proxy.cli.admin_client import AdminClient, NotThereError
from proxy.cli.asking import with_client
from proxy.cli.exits import Exit, complain
from proxy.cli.purge import Where, unconfirmed
from proxy.config.quantities import show_duration, show_size

_PAGE = 200


class Search(Struct, frozen=True):
    """What is to be listed: at most one of the first five, else everything; at most ``limit``, 0: all of it."""

    url: str | None = None
    prefix: str | None = None
    pattern: str | None = None
    tag: str | None = None
    route: str | None = None
    limit: int = 50

    @property
    def aim(self) -> dict[str, str]:
        """As the API reads it."""
        named = {"url": self.url, "prefix": self.prefix, "pattern": self.pattern, "tag": self.tag, "route": self.route}
        return {name: value for name, value in named.items() if value is not None}

    def problem(self) -> str | None:
        """What is wrong with the arguments; None: nothing."""
        if len(self.aim) > 1:
            return "say at most one of URL, --prefix PATH, --pattern PATTERN, --tag TAG and --route ROUTE"
        return "--limit must be 0 (all) or more" if self.limit < 0 else None


def list_entries(search: Search, where: Where, *, json_wanted: bool) -> Exit:
    """Print what is stored: a table, or a JSON object a line."""
    if problem := search.problem():
        complain(f"entries ls: {problem}")
        return Exit.USAGE
    return with_client("entries ls", where, lambda client: _list(client, search, json_wanted=json_wanted))


def show_entry(entry: str, where: Where, *, json_wanted: bool) -> Exit:
    """Print one stored response."""

    def show(client: AdminClient) -> Exit:
        found = client.ask("GET", f"/admin/entries/{quote(entry, safe='')}?pretty=1")
        print(json.dumps(found)) if json_wanted else _print_entry(found)
        return Exit.OK

    return with_client("entries show", where, show)


def remove_entries(entries: Sequence[str], where: Where, *, json_wanted: bool) -> Exit:
    """Remove each; NOTHING where none of them was there, FAILED where not everyone confirmed that one is gone."""
    if not entries:
        complain("entries rm: say at least one ID, as tambo entries ls shows it")
        return Exit.USAGE

    def remove(client: AdminClient) -> Exit:
        removed, doubted = 0, False
        for entry in entries:
            try:
                answer = client.ask("DELETE", f"/admin/entries/{quote(entry, safe='')}")
            except NotThereError as error:
                complain(f"entries rm: {entry}: {error}")
                continue
            removed += 1
            print(json.dumps(answer) if json_wanted else f"Removed {entry}.")
            if (doubt := unconfirmed(answer)) is not None:
                complain(f"entries rm: {entry}: {doubt}")
                doubted = True
        return Exit.FAILED if doubted else Exit.OK if removed else Exit.NOTHING

    return with_client("entries rm", where, remove)


# Listing ----------------------------------------------------------------------------------------------------------


def _list(client: AdminClient, search: Search, *, json_wanted: bool) -> Exit:
    found: list[dict[str, Any]] = []
    is_all, shown = True, 0
    for entry in _entries(client, search):
        if search.limit and shown == search.limit:
            is_all = False
            break
        shown += 1
        if json_wanted:
            print(json.dumps(entry))
        else:
            found.append(entry)
    if not shown:
        complain("entries ls: nothing like that is stored")
        return Exit.NOTHING
    if not json_wanted:
        _print_table(found)
    if not is_all:
        complain(f"entries ls: there are more than these {shown}; --limit 0 lists all")
    return Exit.OK


def _entries(client: AdminClient, search: Search) -> Iterator[dict[str, Any]]:
    """Page after page, each entry once."""
    asked: dict[str, str] = search.aim | {"limit": str(min(_PAGE, search.limit + 1) if search.limit else _PAGE)}
    seen: set[str] = set()
    while True:
        page = client.ask("GET", f"/admin/entries?{urlencode(asked)}")
        for entry in page.get("entries", ()):
            if entry["id"] not in seen:
                seen.add(entry["id"])
                yield entry
        if not page.get("cursor"):
            return
        asked["cursor"] = page["cursor"]


def _print_table(entries: Sequence[dict[str, Any]]) -> None:
    from rich.console import Console  # noqa: PLC0415 - slow to import, and JSON needs none
    from rich.table import Table  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    table = Table(box=None, pad_edge=False)
    for name in ("TARGET", "STATUS", "STATE", "AGE", "SIZE", "COST", "ROUTE", "VARIES BY", "ID"):
        is_number = name in {"AGE", "SIZE", "COST"}
        table.add_column(name, justify="right" if is_number else "left", overflow="fold", no_wrap=is_number)
    for entry in entries:
        age, cost = show_duration(round(entry["age"])), f"{entry['cost']:.2f} s"
        varies = ", ".join(f"{name}={value or '-'}" for name, value in entry["vary"].items())
        cells = (entry["target"], str(entry["status"]), entry["state"], age, show_size(entry["length"]), cost)
        table.add_row(*(Text(cell) for cell in (*cells, entry["route"], varies, entry["id"])))
    console = Console(soft_wrap=False)
    Console(width=max(console.width, _wide(entries))).print(table) if not console.is_terminal else console.print(table)


def _wide(entries: Sequence[dict[str, Any]]) -> int:
    """Columns that need no folding: for a pipe."""
    return 120 + max(len(entry["target"]) + len(entry["id"]) + len(str(entry["vary"])) for entry in entries)


def _print_entry(entry: dict[str, Any]) -> None:
    """As an HTTP message, with what Tambo knows in front."""
    windows = ", ".join(f"{name} until {end}" for name, end in entry["windows"].items() if end) or "none"
    varies = ", ".join(f"{name}: {value or '-'}" for name, value in entry["vary"].items()) or "nothing"
    for name, value in (
        *(("id", entry["id"]), ("target", entry["target"]), ("key", entry["key"]), ("route", entry["route"])),
        ("state", entry["state"] + (", ended by a purge" if entry["ended"] else "")),
        *(("age", show_duration(round(entry["age"]))), ("stored", entry["stored_at"]), ("windows", windows)),
        *(("tags", ", ".join(entry["tags"]) or "none"), ("varies by", varies)),
        ("cost", f"{entry['cost']:.2f} s of the upstream"),
    ):
        print(f"{name + ':':11}{value}")
    print(f"\n{entry['status']} {entry['reason']}".rstrip())
    for name, value in entry["fields"]:
        print(f"{name}: {value}")
    body = entry["body"]
    print(f"\n{body.get('text', body.get('base64', ''))}" if "omitted" not in body else f"\n({body['omitted']})")
