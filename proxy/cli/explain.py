"""``tambo explain``: asks a running Tambo what it would do about a request, and prints why. Decides nothing itself."""

import json
import textwrap
from collections.abc import Sequence
from typing import Any

from proxy.cli.admin_client import AdminClient
from proxy.cli.asking import with_client
from proxy.cli.exits import Exit, complain
from proxy.cli.purge import Where
from proxy.config.quantities import show_duration

_WIDTH = 100
_GLUE = "\N{NO-BREAK SPACE}"
_WORDS = {
    "reuse": "answer from the store",
    "reuse-and-refresh": "answer from the store, and refresh behind",
    "stand-in": "answer from the store, stale, without asking",
    "join": "wait for the fetch that is under way",
    "validate": "ask the upstream whether what is stored still holds",
    "fetch": "fetch it from the upstream",
    "pass": "pass it on to the upstream",
    "refuse": "refuse it",
    "depends": "depends on the request's content",
}


def explain(method: str, url: str, headers: Sequence[str], where: Where, *, json_wanted: bool) -> Exit:
    """Print what would become of this request."""
    lines = []
    for header in headers:
        name, colon, value = header.partition(":")
        if not colon or not name.strip():
            complain(f"explain: -H {header!r} must be 'Name: value', as in -H 'Accept-Language: es'")
            return Exit.USAGE
        lines.append([name.strip(), value.strip()])

    def ask(client: AdminClient) -> Exit:
        said = client.post("/admin/explain", {"method": method, "url": url, "headers": lines})
        print(json.dumps(said) if json_wanted else "\n".join(spoken(said)))
        return Exit.OK

    return with_client("explain", where, ask)


def spoken(said: dict[str, Any]) -> list[str]:
    """The API's answer in lines."""
    would, key, route = said["would"], said["key"], said["route"]
    x_cache = " or ".join(would["x_cache"])
    lines = [f"{said['method']} {said['target']}", ""]
    lines += [f"Would:  {_WORDS.get(would['act'], would['act'])}{f' (X-Cache: {x_cache})' if x_cache else ''}"]
    lines += _sentences(would["why"])
    lines += ["", f"Route:  {route['name']}", *_sentences(route["why"])]
    if key is not None:
        lines += ["", f"Key:    {key['text']}", *_sentences(key["made"])]
        lines += ["", "Stored: " + ("nothing" if not said["stored"] else ""), *_stored(said["stored"])]
    if said["mode"]["mode"] != "normal":
        lines += ["", f"Mode:   {said['mode']['mode']}"]
    return [line.rstrip() for line in lines]


def _sentences(said: Sequence[dict[str, Any]]) -> list[str]:
    lines = []
    for each in said:
        refs = ", ".join(each["refs"]).replace(" ", _GLUE)  # a section stays on one line
        text = f"{each['text']} [{refs}]" if refs else each["text"]
        wrapped = textwrap.wrap(text, _WIDTH, initial_indent="  - ", subsequent_indent="    ", break_on_hyphens=False)
        lines += [line.replace(_GLUE, " ") for line in wrapped]
    return lines


def _stored(rows: Sequence[dict[str, Any]]) -> list[str]:
    lines = []
    for row in rows:
        varies = ", ".join(f"{name}={value or '-'}" for name, value in row["vary"].items())
        mark = "*" if row["selected"] else " "
        age = show_duration(round(row["age"]))
        lines.append(f"  {mark} {row['status']} {row['state']}, {age} old{f', for {varies}' if varies else ''}")
        lines += [f"      {name} until {end}" for name, end in row["windows"].items() if end]
    return lines
