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
    """What is to be purged: exactly one of the first four."""

    url: str | None = None
    prefix: str | None = None
    tag: str | None = None
    everything: bool = False
    hard: bool = False

    def problem(self) -> str | None:
        """What is wrong with the arguments; None: nothing."""
        if sum(aim is not None for aim in (self.url, self.prefix, self.tag)) + self.everything != 1:
            return "say exactly one of URL, --prefix PATH, --tag TAG and --all"
        for value, name in ((self.url, "URL"), (self.prefix, "--prefix")):
            if value is not None and not value.startswith(("/", "http://", "https://")):
                return f"{name} {value!r} is neither an absolute URL nor a path that begins with '/'"
        return None

    def form(self) -> dict[str, Any]:
        """The JSON object that the admin API reads."""
        aim = {"url": self.url, "prefix": self.prefix, "tag": self.tag, "all": True if self.everything else None}
        return {name: value for name, value in aim.items() if value is not None} | {
            "mode": "hard" if self.hard else "soft"
        }

    def spoken(self, count: int | None) -> str:
        """What was done, in words."""
        what = (
            {1: "1 stored response of "}.get(count or 0, f"{count} stored responses of ") if count is not None else ""
        )
        wide = f"everything under {self.prefix}" if self.prefix else f"everything tagged {self.tag}" if self.tag else ""
        aim = self.url or wide or "everything"
        effect = "hard: gone" if self.hard else "soft: stale from now on, kept until it is fetched again"
        return f"Purged {what}{aim} ({effect})."


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
        complain(f"purge: nothing is stored for {wish.url or wish.prefix or wish.tag or 'any URL'}")
    else:
        print(wish.spoken(count))
    return Exit.NOTHING if count == 0 else Exit.OK
