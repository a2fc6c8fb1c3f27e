"""Names requests: one that comes without an ``X-Request-Id`` is given one, which upstream, log, spans and answer have.

Decides nothing by it, and keeps nothing.
"""

import secrets
from typing import Final

from msgspec.structs import replace

from proxy.edge.server.settings import Handler
from proxy.exchange.ports import Answer, OnInterim, RequestBody
from proxy.policy.messages import RequestHead

NAME: Final = "X-Request-Id"
LONGEST: Final = 128
"""Characters of a client's own id; a longer one is replaced."""


def identifying(answer: Handler) -> Handler:
    """The same handler, for requests that all have an id: the client's own, or a new one of 32 hexadecimal digits."""

    async def identified(request: RequestHead, body: RequestBody | None, on_interim: OnInterim | None) -> Answer:
        given = request.fields.joined(NAME.lower())
        name = given if given and len(given) <= LONGEST else secrets.token_hex(16)
        made = await answer(replace(request, fields=request.fields.replacing(NAME, name)), body, on_interim)
        # An upstream's own, or one that was stored with the answer, is another request's.
        return replace(made, head=replace(made.head, fields=made.head.fields.replacing(NAME, name)), request_id=name)

    return identified
