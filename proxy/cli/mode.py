"""``tambo mode``: asks a running Tambo how it works at present, or switches it. Decides nothing itself."""

import json
import os
from typing import Any

from proxy.cli.admin_client import AdminError, client_for
from proxy.cli.exits import Exit, complain, complain_of_config
from proxy.cli.purge import Where
from proxy.config.load import load
from proxy.config.problems import InvalidConfigError
from proxy.config.quantities import parse_duration, show_duration
from proxy.wording import hint

_WORDS = {
    "normal": "normal: stored answers are served, and fetched where they are missing",
    "offline": "offline: answers of any age are served, and nothing is fetched",
    "bypass": "bypass: every request goes to the upstream, and nothing is looked up or stored",
}


def mode(wanted: str | None, span: str | None, where: Where, *, json_wanted: bool) -> Exit:
    """Show the mode, or switch to ``wanted`` for ``span`` (a duration; None: until told otherwise)."""
    if problem := _problem(wanted, span):
        complain(f"mode: {problem}")
        return Exit.USAGE
    try:
        client = client_for(load(os.environ, file=where.file, needs_upstream=False).config.admin, where.admin)
        if wanted is None:
            answer = client.ask("GET", "/admin/mode")
        else:
            answer = client.ask("PUT", "/admin/mode", {"mode": wanted} | ({} if span is None else {"for": span}))
    except InvalidConfigError as error:
        return complain_of_config(error)
    except AdminError as error:
        complain(f"mode: {error}")
        return Exit.FAILED
    print(json.dumps(answer) if json_wanted else _spoken(answer))
    return Exit.OK


def _problem(wanted: str | None, span: str | None) -> str | None:
    if wanted is not None and wanted not in _WORDS:
        return f"there is no mode {wanted!r}{hint(wanted, _WORDS, 'modes')}"
    if span is None:
        return None
    if wanted in (None, "normal"):
        return "--for says how long offline or bypass lasts"
    try:
        is_right = parse_duration(span) > 0
    except ValueError:
        is_right = False
    return None if is_right else f"--for {span!r} must be a duration above 0, as in --for 30m"


def _spoken(answer: dict[str, Any]) -> str:
    words = _WORDS.get(str(answer.get("mode")), str(answer.get("mode")))
    left = answer.get("seconds_left")
    return words if left is None else f"{words} (for {show_duration(float(left))} more)"
