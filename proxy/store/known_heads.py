"""All envelopes under one key, by their heads: where these are known already, bodies are all that is read. No I/O."""

from collections.abc import Sequence

from proxy.store.codec import body_of, head_of


def heads_of(values: Sequence[bytes], readable: int) -> Sequence[bytes]:
    """Of all ``values``, by which they are known again; none unless so many as there are could be read."""
    return tuple(map(head_of, values)) if len(values) == readable else ()


def bodies_of(values: Sequence[object], heads: Sequence[bytes]) -> Sequence[bytes] | None:
    """The bodies of ``values``, where these are sound and have the known heads, in this order; None where any differs
    or is no envelope, or none is known."""
    if not heads or len(values) != len(heads):
        return None
    bodies: list[bytes] = []
    for value, head in zip(values, heads, strict=True):
        body = body_of(value, head) if isinstance(value, bytes) else None
        if body is None:
            return None
        bodies.append(body)
    return bodies
