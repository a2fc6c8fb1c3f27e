"""What the listener tells of an answer, in the words of those who count and log it. Counts nothing."""

from msgspec.structs import replace

from proxy.edge.server.settings import Finished
from proxy.exchange.ports import Exchanged
from proxy.policy.dispositions import unreadable
from proxy.policy.messages import Fields, RequestHead

_NOBODY = RequestHead("", "", Fields())


def exchanged(event: Finished) -> Exchanged | None:
    """One exchange; None for a connection that never became a request."""
    answer = event.answer
    if event.request is None and event.status == 0:
        return None
    request = event.request or _NOBODY
    if answer and answer.request_id:
        request = replace(request, fields=request.fields.replacing("X-Request-Id", answer.request_id))
    return Exchanged(
        request,
        answer.route if answer else "none",
        answer.disposition if answer else unreadable(event.status),
        event.status,
        event.seconds,
        answer.key if answer else "",
        answer.saved_seconds if answer else 0.0,
        event.sent_bytes,
        event.aborted,
    )
