"""``POST /admin/explain``: reads the request in question and says what would become of it. Sends nothing upstream."""

import json
import re
from collections.abc import Callable, Collection
from typing import Final

from aiohttp import web
from msgspec import Struct

from proxy.edge.admin.entry_view import row_view
from proxy.edge.admin.explained_acts import Says
from proxy.edge.admin.explanation import explanation
from proxy.edge.admin.mode_form import shown
from proxy.errors import ClientError
from proxy.exchange.explaining import Explainer
from proxy.exchange.outlook import Facts, Outlook, foresee
from proxy.exchange.purging import authority_of, target_of
from proxy.policy.heads import cache_status
from proxy.policy.messages import FieldLine, Fields, RequestHead
from proxy.wording import hint

BAD_REQUEST: Final = 400
_TOKEN: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,100}")
_NOT_IN_VALUES: Final = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]|[^\x00-\xff]")
_NAMES: Final = ("method", "url", "headers")
_EXAMPLE: Final = '{"method": "GET", "url": "/path", "headers": {"Accept": "application/json"}}'
MOST_FIELDS: Final = 100


class Explain(Struct, frozen=True):
    """The endpoint."""

    explainer: Explainer
    known: Callable[[], Collection[str]]
    """The dotted keys that the configuration names at present."""

    def add_to(self, app: web.Application) -> None:
        """Register it."""
        app.router.add_post("/admin/explain", self.explain)

    async def explain(self, request: web.Request) -> web.Response:
        """What would become of a request that came now."""
        facts = await self.explainer.facts(read_question(await request.read()))
        return web.json_response(explained(facts, foresee(facts), self.known()))


def explained(facts: Facts, outlook: Outlook, known: Collection[str]) -> dict[str, object]:
    """As the API says it."""
    said = explanation(facts, outlook, known)
    request, route = facts.request, facts.match.route
    key = None if facts.key is None else {"text": facts.key.text, "target": facts.key.target, "made": _shown(said.key)}
    stored = [
        row_view(facts.key.text, each, len(each.body), len(each.body), facts.now) | {"selected": each is outlook.stored}
        for each in facts.candidates
        if facts.key is not None
    ]
    return {
        "method": request.method,
        "target": request.target,
        "mode": shown(facts.operating),
        "route": {"name": route.name, "captures": dict(facts.match.captures), "why": _shown(said.route)},
        "key": key,
        "stored": stored,
        "would": {
            "act": outlook.act.value,
            "x_cache": [each.x_cache for each in outlook.dispositions],
            "cache_status": [cache_status(each) for each in outlook.dispositions],
            "result": [each.result.value for each in outlook.dispositions],
            "why": _shown(said.answer),
        },
    }


def _shown(said: list[Says]) -> list[dict[str, object]]:
    return [{"text": each.text, "refs": list(each.refs)} for each in said]


def read_question(body: bytes) -> RequestHead:
    """The request that is asked about. Raises ClientError(400) that says what would be right."""
    try:
        said = json.loads(body)
    except (ValueError, RecursionError):
        said = None
    if not isinstance(said, dict):
        raise ClientError(BAD_REQUEST, f"the body must be a JSON object, as in {_EXAMPLE}")
    for name in said:
        if name not in _NAMES:
            raise ClientError(BAD_REQUEST, f"unknown name {name[:100]!r}{hint(name, _NAMES, 'names')}")
    method, url = said.get("method", "GET"), said.get("url")
    if not isinstance(method, str) or _TOKEN.fullmatch(method) is None:
        raise ClientError(BAD_REQUEST, f"'method' must be an HTTP method such as \"GET\", not {str(method)[:100]!r}")
    if not isinstance(url, str) or not url:
        raise ClientError(BAD_REQUEST, "'url' must be a text, as in \"/path\"")
    fields = Fields(_lines(said.get("headers", {})))
    authority = authority_of(url) or (fields.joined("host") or "").lower()
    has_content = "transfer-encoding" in fields or (fields.joined("content-length") or "0") != "0"
    return RequestHead(method, target_of(url), fields, authority=authority, has_content=has_content)


def _lines(said: object) -> list[FieldLine]:
    problem = '\'headers\' must be an object of texts, or a list of [name, value], as in {"Accept": "application/json"}'
    if not isinstance(said, (dict, list)):
        raise ClientError(BAD_REQUEST, problem)
    lines = []
    for pair in said.items() if isinstance(said, dict) else said:
        match pair:
            case (str(name), str(value)) | [str(name), str(value)]:
                lines.append(_line(name, value))
            case _:
                raise ClientError(BAD_REQUEST, problem)
    if len(lines) > MOST_FIELDS:
        raise ClientError(BAD_REQUEST, f"more than {MOST_FIELDS} headers")
    return lines


def _line(name: str, value: str) -> FieldLine:
    if _TOKEN.fullmatch(name) is None:
        raise ClientError(BAD_REQUEST, f"{name[:100]!r} is not the name of a header field")
    if _NOT_IN_VALUES.search(value):
        raise ClientError(BAD_REQUEST, f"the value of {name!r} has characters that no header field has")
    return name, value.strip(" \t")
