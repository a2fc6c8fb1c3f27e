"""What is answered in place of an answer, and to those who ask what has become of it. Keeps and fetches nothing."""

import json
from http import HTTPStatus
from typing import Final

from proxy.exchange.ports import Answer
from proxy.exchange.promise import Record
from proxy.policy import dispositions
from proxy.policy.disposition import Disposition
from proxy.policy.heads import cache_status
from proxy.policy.messages import FieldLine, Fields, ResponseHead

_LONGEST_PAUSE: Final = 30
_USUAL_PAUSE: Final = 5


def accepted(record: Record, place: str, route: str) -> Answer:
    """202: what will come is told at ``place`` (RFC 7240 §4.1)."""
    fields = (("Location", place), ("Preference-Applied", "respond-async"), _retry_after(record))
    return _own(HTTPStatus.ACCEPTED, _view(record), dispositions.promised(), route, fields)


def told(record: Record, route: str) -> Answer:
    """How it stands; 303 to the resource once that is stored."""
    disposition = dispositions.told()
    if not record.is_over:
        return _own(HTTPStatus.OK, _view(record), disposition, route, (_retry_after(record),))
    if record.is_there:
        return _own(HTTPStatus.SEE_OTHER, _view(record), disposition, route, (("Location", record.target),))
    return _own(HTTPStatus.OK, _view(record), disposition, route)


def unknown(route: str) -> Answer:
    """404."""
    detail = "There is no job of this name: it ended more than ten minutes ago, or never was."
    return _problem(HTTPStatus.NOT_FOUND, detail, route)


def not_allowed(route: str) -> Answer:
    """405."""
    return _problem(HTTPStatus.METHOD_NOT_ALLOWED, "A job can be looked at.", route, (("Allow", "GET, HEAD"),))


def cannot_tell(route: str) -> Answer:
    """503: what was written down cannot be read."""
    detail = "What has become of it cannot be told now; try again."
    return _problem(HTTPStatus.SERVICE_UNAVAILABLE, detail, route, (("Retry-After", "1"),))


def _view(record: Record) -> dict[str, object]:
    said: dict[str, object] = {"state": _state(record), "resource": record.target}
    if not record.is_over:
        return said | {"queue_position": record.position, "eta_seconds": record.eta}
    if record.is_there:
        return said
    detail = "The answer is not kept, so it cannot be shown here: ask for the resource without respond-async."
    return said | {"status": record.status, "detail": detail}


def _state(record: Record) -> str:
    if record.is_over:
        return "done" if record.is_there else "failed"
    return "running" if record.position is None else "queued"


def _retry_after(record: Record) -> FieldLine:
    pause = _USUAL_PAUSE if record.eta is None else record.eta
    return "Retry-After", str(max(1, min(_LONGEST_PAUSE, pause)))


def _problem(status: HTTPStatus, detail: str, route: str, fields: tuple[FieldLine, ...] = ()) -> Answer:
    said: dict[str, object] = {"type": "about:blank", "title": status.phrase, "status": status.value, "detail": detail}
    return _own(status, said, dispositions.told(), route, fields, "application/problem+json")


def _own(
    status: HTTPStatus,
    said: dict[str, object],
    disposition: Disposition,
    route: str,
    fields: tuple[FieldLine, ...] = (),
    kind: str = "application/json",
) -> Answer:
    lines = (
        ("Content-Type", kind),
        ("Cache-Control", "no-store"),
        *fields,
        ("Cache-Status", cache_status(disposition)),
        ("X-Cache", disposition.x_cache),
    )
    body = json.dumps(said).encode()
    return Answer(ResponseHead(status.value, Fields(lines), status.phrase), body, disposition, route, length=len(body))
