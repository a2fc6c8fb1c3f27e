"""``tambo warm``: hands a list of URLs to a running Tambo and shows how far it comes. Fetches nothing itself.

The job is Tambo's: it goes on when this command ends, and when Tambo is restarted.
"""

import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any, Final
from urllib.parse import quote

from msgspec import Struct

from proxy.cli.admin_client import AdminClient, AdminError, NotThereError, client_for
from proxy.cli.exits import Exit, complain, complain_of_config
from proxy.cli.purge import Where
from proxy.cli.warm_report import Show, report, shower
from proxy.config.load import load
from proxy.config.problems import InvalidConfigError

_PAUSE: Final = 1.0
"""Seconds between two looks."""
_PATIENCE: Final = 60
"""Looks in a row that may fail: a restart takes some."""
_INTERRUPTED: Final = 130


class Errand(Struct, frozen=True):
    """What is wanted: a new job from ``file`` (``-``: standard input), or one of the last three."""

    file: str | None = None
    template: str | None = None
    headers: tuple[str, ...] = ()
    force: bool = False
    parallel: int | None = None
    detach: bool = False
    follow: str | None = None
    cancel: str | None = None
    wants_list: bool = False

    def problem(self) -> str | None:
        """What is wrong with the arguments; None: nothing."""
        given = [self.file is not None, self.follow is not None, self.cancel is not None, self.wants_list]
        if sum(given) != 1:
            return "say exactly one of FILE (- for standard input), --follow ID, --cancel ID and --jobs"
        if bad := next((line for line in self.headers if ":" not in line), None):
            return f"--header {bad!r} must be 'Name: value'"
        names = [line.partition(":")[0].strip() for line in self.headers]
        if twice := next((name for at, name in enumerate(names) if name.lower() in map(str.lower, names[:at])), None):
            return f"--header {twice!r} is given twice"
        return None


def warm(errand: Errand, where: Where, *, json_wanted: bool) -> int:
    """Do the errand; print what came of it."""
    if problem := errand.problem():
        complain(f"warm: {problem}")
        return Exit.USAGE
    try:
        client = client_for(load(os.environ, file=where.file, needs_upstream=False).config.admin, where.admin)
        return _run(client, errand, json_wanted=json_wanted)
    except InvalidConfigError as error:
        return complain_of_config(error)
    except NotThereError as error:
        complain(f"warm: {error}")
        return Exit.NOTHING
    except AdminError as error:
        complain(f"warm: {error}")
        return Exit.FAILED


def _run(client: AdminClient, errand: Errand, *, json_wanted: bool) -> int:
    if errand.wants_list:
        return _list(client, json_wanted=json_wanted)
    if errand.cancel is not None:
        job = client.ask("DELETE", _path(errand.cancel))
        print(json.dumps(job) if json_wanted else f"Job {job['id']} ends: {job['done']} of {job['total']} are done.")
        return Exit.OK
    if errand.follow is not None:
        job = client.ask("GET", _path(errand.follow))
    else:
        lines = _read(errand.file or "-")
        if not lines:
            complain("warm: the list is empty: one URL a line, or one value a line with --template")
            return Exit.NOTHING
        job = client.post("/admin/warm", _form(errand, lines))
    if errand.detach:
        print(json.dumps(job) if json_wanted else f"Job {job['id']} works at {job['total']} URLs; {_later(job)}.")
        return Exit.OK
    return _follow(client, job, json_wanted=json_wanted)


def _path(job: str) -> str:
    return f"/admin/jobs/{quote(job, safe='')}"


def _lines(file: str) -> Iterator[str]:
    """What is in the list: blank lines and comments are not."""
    with sys.stdin if file == "-" else open(file, encoding="utf-8") as stream:
        for line in stream:
            text = line.strip()
            if text and not text.startswith("#"):
                yield text


def _read(file: str) -> list[str]:
    try:
        return list(_lines(file))
    except OSError as error:
        raise AdminError(f"{file} cannot be read: {(error.strerror or str(error)).lower()}") from None
    except UnicodeDecodeError:
        raise AdminError(f"{file} is no text in UTF-8") from None


def _form(errand: Errand, lines: list[str]) -> dict[str, Any]:
    form: dict[str, Any] = {"force": errand.force}
    form |= {"urls": lines} if errand.template is None else {"template": errand.template, "values": lines}
    if errand.parallel is not None:
        form["parallel"] = errand.parallel
    if errand.headers:
        pairs = (line.partition(":") for line in errand.headers)
        form["headers"] = {name.strip(): value.strip() for name, _, value in pairs}
    return form


# Following -----------------------------------------------------------------------------------------------------------


def _follow(client: AdminClient, job: dict[str, Any], *, json_wanted: bool) -> int:
    try:
        with shower(quiet=json_wanted) as show:
            job = _to_its_end(client, job, show, time.sleep)
    except KeyboardInterrupt:
        complain(f"warm: job {job['id']} goes on without us; {_later(job)}")
        return _INTERRUPTED
    print(json.dumps(job) if json_wanted else report(job))
    return Exit.OK if job["state"] == "done" and not job["failed"] else Exit.FAILED


def _to_its_end(client: AdminClient, job: dict[str, Any], show: Show, pause: Callable[[float], None]) -> dict[str, Any]:
    failures = 0
    while True:
        show(job)
        if job["state"] in ("done", "cancelled"):
            return job
        pause(_PAUSE)
        try:
            job, failures = client.ask("GET", _path(job["id"])), 0
        except NotThereError:
            raise
        except AdminError:
            failures += 1
            if failures >= _PATIENCE:
                raise


def _later(job: dict[str, Any]) -> str:
    return f"'tambo warm --follow {job['id']}' shows it, '--cancel {job['id']}' ends it"


def _list(client: AdminClient, *, json_wanted: bool) -> Exit:
    jobs = client.ask("GET", "/admin/jobs")["jobs"]
    if not jobs:
        complain("warm: there is no job")
        return Exit.NOTHING
    for job in jobs:
        text = f"{job['id']}  {job['state']:9}  {job['done']} of {job['total']}, {job['failed']} failed"
        print(json.dumps(job) if json_wanted else f"{text}  {job['created']}")
    return Exit.OK
