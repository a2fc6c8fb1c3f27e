"""Signs that an answer is somebody's own although nobody says so: who asked, and as what it calls itself. Pure."""

from hashlib import blake2b
from typing import Final
from urllib.parse import unquote

from proxy.policy.disposition import NotStoredReason
from proxy.policy.field_values import is_json, media_type
from proxy.policy.messages import RequestHead, ResponseHead
from proxy.policy.route import ForwardFields, Mode, RoutePolicy

_OK: Final = 200
CREDENTIALS: Final = (
    *("x-api-key", "api-key", "apikey", "x-apikey", "x-auth-token", "x-access-token", "x-session-token"),
    *("x-amz-security-token", "x-goog-api-key", "x-rapidapi-key", "ocp-apim-subscription-key", "private-token"),
)
"""Fields by which APIs know their callers, beside Authorization. Of an answer to them that says nothing of its own
freshness, nobody has said that others may have it."""
_STATIC: Final = frozenset(
    {"avif", "bmp", "css", "eot", "flac", "gif", "gz", "ico", "jpeg", "jpg", "js", "mjs", "mp3", "mp4", "otf", "pdf"}
    | {"png", "svg", "ttf", "wasm", "webm", "webp", "woff", "woff2", "zip"}
)
"""What a path does not end with that names an API's answer, or a page."""
_DOCUMENTS: Final = frozenset({"text/html", "application/xhtml+xml", "text/xml", "application/xml", "text/json"})


def privately_silent(request: RequestHead, response: ResponseHead, route: RoutePolicy) -> NotStoredReason | None:
    """Signs of privacy in an exchange of which nobody said that its answer may be shared: then neither a route's
    lifetime nor a guess fills in. In override mode the route has said so; but it cannot have meant an answer to
    credentials that reached the origin, unless it says that, too."""
    if route.mode is Mode.RFC and "set-cookie" in response.fields:
        return NotStoredReason.SET_COOKIE
    if route.mode is Mode.RFC and _is_disguised(request, response):
        return NotStoredReason.CONTENT_TYPE
    if any(name in request.fields for name in callers_fields(route)):
        return NotStoredReason.AUTHORIZATION
    return None


def callers_fields(route: RoutePolicy) -> tuple[str, ...]:
    """The known fields that say who asks, where they reach the origin and tell no answers apart."""
    if route.authorization_ignored:
        return ()
    reaches_all = route.mode is Mode.RFC or route.forward_fields is ForwardFields.ALL
    return tuple(
        name for name in CREDENTIALS if (reaches_all or name in route.forward) and name not in route.key.fields
    )


def caller(request: RequestHead, route: RoutePolicy) -> str:
    """Who asks, as far as known fields say: equal for equal callers, and nothing that could be used in their name."""
    said = [(name, value) for name in callers_fields(route) if (value := request.fields.joined(name)) is not None]
    return blake2b(repr(said).encode(), digest_size=16).hexdigest() if said else "nobody"


def _is_disguised(request: RequestHead, response: ResponseHead) -> bool:
    """Whether an answer of an API calls itself a file: whoever made that up wants a personal one taken for one."""
    content_type = response.fields.joined("content-type")
    is_answer = response.status == _OK and (is_json(content_type) or media_type(content_type) in _DOCUMENTS)
    name = unquote(request.path).rpartition("/")[2].partition(";")[0]
    return is_answer and name.rpartition(".")[2].lower() in _STATIC
