"""Reads which URLs are to be warmed, and shows how far a job has come. Fetches nothing."""

import json
import re
from collections.abc import Callable
from datetime import UTC, datetime
from math import ceil
from typing import Final

from proxy.errors import ClientError
from proxy.exchange.warm_list import (
    LONGEST_URL,
    MOST_BYTES,
    MOST_PARALLEL,
    MOST_URLS,
    WarmJob,
    WarmOrder,
    expanded,
)
from proxy.policy.forwarding import unwarmable
from proxy.policy.messages import FieldLine
from proxy.wording import hint

BAD_REQUEST: Final = 400
_NAMES: Final = ("urls", "template", "values", "force", "parallel", "headers")
_EXAMPLE: Final = '{"template": "/obtener-ruc/{ruc}", "values": ["20999999019"]}'
_FIELD: Final = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]{1,100}")
_VALUE: Final = re.compile(r"(?! )[\t\x20-\x7e\x80-\xff]{0,2000}(?<! )")
_MOST_FIELDS: Final = 20


def read_order(body: bytes, check: Callable[[str], object]) -> WarmOrder:
    """The order in a request's JSON object. ``check`` raises ClientError for what is no URL here.

    Raises ClientError(400) that names what is wrong and what would be right.
    """
    try:
        said = json.loads(body)
    except (ValueError, RecursionError):
        said = None
    if not isinstance(said, dict):
        raise ClientError(BAD_REQUEST, f'the body must be a JSON object, as in {{"urls": ["/a", "/b"]}} or {_EXAMPLE}')
    if strange := [name for name in said if name not in _NAMES]:
        raise ClientError(BAD_REQUEST, f"unknown name {strange[0][:100]!r}{hint(strange[0], _NAMES, 'names')}")
    urls = _urls(said)
    for url in urls:
        if not url.isascii():
            raise ClientError(BAD_REQUEST, f"{ascii(url)[:100]} has characters that a URL writes percent-encoded")
        check(url)
    force = said.get("force", False)
    if not isinstance(force, bool):
        raise ClientError(BAD_REQUEST, f"'force' must be true or false, not {force!r}")
    return WarmOrder(urls, _fields(said.get("headers")), force, _parallel(said.get("parallel")))


def _urls(said: dict[str, object]) -> list[str]:
    if ("urls" in said) == ("template" in said):
        raise ClientError(BAD_REQUEST, "say either 'urls', or 'template' and 'values'")
    name = "urls" if "urls" in said else "values"
    given = said.get(name)
    if not isinstance(given, list) or not given:
        raise ClientError(BAD_REQUEST, f"{name!r} must be a list that is not empty")
    if len(given) > MOST_URLS:
        raise ClientError(BAD_REQUEST, f"{name!r} has {len(given)} members; a job has {MOST_URLS} at most")
    if name == "values":
        try:
            urls = expanded(str(said["template"]), given)
        except ValueError as error:
            raise ClientError(BAD_REQUEST, str(error)) from None
    elif "values" in said:
        raise ClientError(BAD_REQUEST, "'values' goes with 'template'")
    else:
        urls = [_text(url) for url in given]
    return _bounded(list(dict.fromkeys(urls)))


def _text(url: object) -> str:
    if not isinstance(url, str):
        raise ClientError(BAD_REQUEST, f"'urls' has a member that is no text: {url!r}")
    return url


def _bounded(urls: list[str]) -> list[str]:
    if (longest := max(map(len, urls))) > LONGEST_URL:
        raise ClientError(BAD_REQUEST, f"a URL has {longest} characters; {LONGEST_URL} at most")
    if sum(map(len, urls)) > MOST_BYTES:
        raise ClientError(BAD_REQUEST, f"the URLs have more than {MOST_BYTES} characters in all: make several jobs")
    return urls


def _parallel(said: object) -> int | None:
    if said is None:
        return None
    if isinstance(said, float) and said.is_integer():
        said = int(said)  # JSON knows no whole numbers of their own
    if isinstance(said, bool) or not isinstance(said, int) or not 1 <= said <= MOST_PARALLEL:
        raise ClientError(BAD_REQUEST, f"'parallel' must be a whole number from 1 to {MOST_PARALLEL}, not {said!r}")
    return said


def _fields(said: object) -> tuple[FieldLine, ...]:
    if said is None:
        return ()
    if not isinstance(said, dict) or len(said) > _MOST_FIELDS:
        raise ClientError(BAD_REQUEST, f"'headers' must be an object of {_MOST_FIELDS} texts at most")
    seen = set[str]()
    for name, value in said.items():
        if not _FIELD.fullmatch(name):
            raise ClientError(BAD_REQUEST, f"'headers': {name[:100]!r} is no field's name")
        if not isinstance(value, str) or not _VALUE.fullmatch(value):
            raise ClientError(BAD_REQUEST, f"'headers': {name!r} must have a text without line breaks and outer blanks")
        if name.lower() in seen:
            raise ClientError(BAD_REQUEST, f"'headers': {name!r} is given twice")
        if why := unwarmable(name):
            raise ClientError(BAD_REQUEST, f"'headers': {name!r} cannot be given: {why}")
        seen.add(name.lower())
    return tuple(said.items())


def job_view(job: WarmJob) -> dict[str, object]:
    """As the API shows it."""
    eta = job.eta
    return {
        "id": job.id,
        "kind": "warm",
        "state": job.state,
        "waiting_for": job.waits_for,
        "total": job.total,
        "done": job.done,
        "fetched": job.fetched,
        "fresh": job.fresh,
        "failed": job.failed,
        "seconds_each": round(job.seconds_each, 3),
        "eta_seconds": None if eta is None else ceil(eta),
        "parallel": job.parallel,
        "force": job.force,
        "created": _moment(job.created),
        "finished": None if job.finished is None else _moment(job.finished),
        "by": job.by,
        "failures": [{"url": url, "why": why} for url, why in job.failures],
        "failures_left_out": job.failed - len(job.failures),
    }


def _moment(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
