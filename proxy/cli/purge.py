"""``tambo purge``: asks a running Tambo to purge, and says what came of it. Touches no store itself."""

import json
import os
from dataclasses import dataclass
from typing import Any

from proxy.cli.admin_client import AdminError, client_for
from proxy.cli.exits import Exit, complain, complain_of_config
from proxy.config.load import load
from proxy.config.problems import InvalidConfigError


@dataclass(frozen=True, slots=True)
class Wish:
    """What is to be purged: exactly one of the first six."""

    url: str | None = None
    prefix: str | None = None
    pattern: str | None = None
    tag: str | None = None
    route: str | None = None
    everything: bool = False
    hard: bool = False

    def problem(self) -> str | None:
        """What is wrong with the arguments; None: nothing."""
        if sum(value is not None for value in self._aims().values()) != 1:
            return "say exactly one of URL, --prefix PATH, --pattern PATTERN, --tag TAG, --route ROUTE and --all"
        for value, name in ((self.url, "URL"), (self.prefix, "--prefix")):
            if value is not None and not value.startswith(("/", "http://", "https://")):
                return f"{name} {value!r} is neither an absolute URL nor a path that begins with '/'"
        return None

    def form(self) -> dict[str, Any]:
        """The JSON object that the admin API reads."""
        aim = {name: value for name, value in self._aims().items() if value is not None}
        return aim | {"mode": "hard" if self.hard else "soft"}

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

    def spoken(self, count: int | None) -> str:
        """What was done, in words."""
        what = (
            {1: "1 stored response of "}.get(count or 0, f"{count} stored responses of ") if count is not None else ""
        )
        effect = "hard: gone" if self.hard else "soft: stale from now on, kept until it is fetched again"
        return f"Purged {what}{self.aim} ({effect})."


@dataclass(frozen=True, slots=True)
class Where:
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
    count = answer.get("count")
    if json_wanted:
        print(json.dumps(answer))
    elif count == 0:
        complain(f"purge: nothing is stored for {wish.aim}")
    else:
        print(wish.spoken(count))
    return Exit.NOTHING if count == 0 else Exit.OK
