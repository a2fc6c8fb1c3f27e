"""What content adds to a response whose head was assessed: itself, and the entity-tag made of it. Judges nothing."""

from hashlib import blake2b
from typing import Final

from msgspec.structs import replace

from proxy.policy.interned import number
from proxy.policy.messages import ResponseHead, StoredResponse
from proxy.policy.route import RoutePolicy

_OK: Final = 200


def completed(
    stored: StoredResponse, response: ResponseHead, body: bytes, route: RoutePolicy, cost: float
) -> StoredResponse:
    """What ``assess`` made of a head alone, with its body; ``cost``: seconds that the whole took.

    The same as if it were assessed anew with the body, where that is no longer than ``max_object`` and no verdict
    looks into it.
    """
    etag, is_made = entity_tag(response, body, route)
    return replace(stored, body=body, etag=etag, etag_is_made=is_made, cost=number(round(cost, 3)))


def entity_tag(response: ResponseHead, body: bytes | None, route: RoutePolicy) -> tuple[str | None, bool]:
    """The entity-tag clients are shown, and whether it was made here: a strong one, of all the bytes it names."""
    lines = response.fields.all("etag")
    if lines:
        return lines[0], False
    if body is None or not route.made_etag or response.status != _OK:
        return None, False
    digest = blake2b(body, digest_size=16)
    for name in ("content-type", "content-encoding"):
        digest.update(f"\0{response.fields.joined(name) or ''}".encode("latin-1", "replace"))
    return f'"{digest.hexdigest()}"', True
