"""``tambo purge``: asks a running Tambo to purge, and says what came of it. Touches no store itself."""

import json
import os
from collections.abc import Mapping
from typing import Any

from msgspec import Struct

from proxy.cli.admin_client import AdminError, client_for
from proxy.cli.exits import Exit, complain, complain_of_config
from proxy.config.load import load
from proxy.config.problems import InvalidConfigError


class Wish(Struct, frozen=True):
    """What is to be purged: exactly one of the first six."""

    url: str | None = None
    prefix: str | None = None
    pattern: str | None = None
    tag: str | None = None
    route: str | None = None
    everything: bool = False
    hard: bool = False
    refresh: bool = False
    dry_run: bool = False

    def problem(self) -> str | None:
        """What is wrong with the arguments; None: nothing."""
        if sum(value is not None for value in self._aims().values()) != 1:
            return "say exactly one of URL, --prefix PATH, --pattern PATTERN, --tag TAG, --route ROUTE and --all"
        if self.hard and self.refresh:
            return "say at most one of --hard and --refresh"
        for value, name in ((self.url, "URL"), (self.prefix, "--prefix")):
            if value is not None and not value.startswith(("/", "http://", "https://")):
                return f"{name} {value!r} is neither an absolute URL nor a path that begins with '/'"
        return None

    def form(self) -> dict[str, Any]:
        """The JSON object that the admin API reads."""
        aim = {name: value for name, value in self._aims().items() if value is not None}
        mode = "hard" if self.hard else "refresh" if self.refresh else "soft"
        return aim | {"mode": mode} | ({"dry_run": True} if self.dry_run else {})

    @property
    def aim(self) -> str:
        """What it is aimed at, in words."""
        if self.everything:
            return "everything"
        words = {"prefix": "everything under", "pattern": "everything like", "tag": "everything tagged"}
        words["route"] = "everything of route"
        ((name, value),) = ((name, value) for name, value in self._aims().items() if value is not None)
        return f"{words[name]} {value}" if name in words else str(value)

    def _aims(self) -> dict[str, str | bool | None]:
        return {
            "url": self.url,
            "prefix": self.prefix,
            "pattern": self.pattern,
            "tag": self.tag,
            "route": self.route,
            "all": True if self.everything else None,
        }

    def spoken(self, answer: Mapping[str, Any]) -> str:
        """What was done, in words."""
        what = f"{_counted(answer.get('count'), at_least=False)}{self.aim}"
        if self.hard:
            return f"Purged {what} (hard: gone)."
        if self.refresh:
            return f"Purged {what} (refresh: stale from now on, being fetched again)."
        return f"Purged {what} (soft: stale from now on, kept until it is fetched again)."

    def tried(self, answer: Mapping[str, Any]) -> str:
        """What would be done, in words, and some of it."""
        what = f"{_counted(answer.get('count'), at_least=bool(answer.get('at_least')))}{self.aim}"
        seconds = round(float(answer.get("upstream_seconds") or 0), 1)
        lines = [f"Would purge {what}; fetching it again takes {seconds:g} s of the upstream's time."]
        lines += [f"  {row.get('target')}" for row in answer.get("sample") or ()]
        shown, count = len(lines) - 1, int(answer.get("count") or 0)
        return "\n".join(lines if shown >= count else [*lines, "  ..."])


def _counted(count: int | None, *, at_least: bool) -> str:
    if count is None:
        return ""
    return f"{'at least ' if at_least else ''}{count} stored response{'' if count == 1 else 's'} of "


class Where(Struct, frozen=True):
    """Which Tambo is meant: the configuration that names it, or its admin listener's URL."""

    file: str | None = None
    admin: str | None = None


def purge(wish: Wish, where: Where, *, json_wanted: bool) -> Exit:
    """Purge; print what was purged, or the API's own JSON answer."""
    if problem := wish.problem():
        complain(f"purge: {problem}")
        return Exit.USAGE
    try:
        loaded = load(os.environ, file=where.file, needs_upstream=False)
        answer = client_for(loaded.config.admin, where.admin).post("/admin/purge", wish.form())
    except InvalidConfigError as error:
        return complain_of_config(error)
    except AdminError as error:
        complain(f"purge: {error}")
        return Exit.FAILED
    is_nothing = answer.get("count") == 0 and not answer.get("at_least") and not answer.get("unconfirmed")
    if json_wanted:
        print(json.dumps(answer))
    elif is_nothing:
        complain(f"purge: nothing is stored for {wish.aim}")
    else:
        print(wish.tried(answer) if wish.dry_run else wish.spoken(answer))
    if (doubt := unconfirmed(answer)) is not None:
        complain(f"purge: {doubt}")
        return Exit.FAILED
    return Exit.NOTHING if is_nothing else Exit.OK


def unconfirmed(answer: Mapping[str, Any]) -> str | None:
    """In words, who may not know of a purge that was carried out (status 207); None: everyone knows."""
    names = answer.get("unconfirmed")
    if not names:
        return None
    return f"carried out, but not confirmed by {', '.join(map(str, names))}: what it purged may still be answered there"
