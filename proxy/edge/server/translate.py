"""One request as it was read into the value everything else speaks of. Pure; re-quotes and normalises nothing."""

from proxy.edge.server.intake import Incoming
from proxy.edge.server.origin import Origin
from proxy.edge.server.target import read_host, read_target
from proxy.errors import ClientError
from proxy.policy.messages import RequestHead


def request_head(incoming: Incoming, origin: Origin) -> RequestHead:
    """The request's head. Raises ClientError (400, 417) for what cannot be meant by it."""
    fields = incoming.fields
    host = read_host(fields.all("host"), required=not incoming.http10)
    target = read_target(incoming.method, incoming.target)
    if target.authority is not None and target.authority != host:  # RFC 9112 §3.2.2: the target wins
        host = target.authority
        fields = fields.replacing("Host", host)
    if incoming.http10 and "upgrade" in fields:  # RFC 9110 §7.8: ignored
        fields = fields.without({"upgrade"})
    peer, scheme, authority = origin.believed(fields, host)
    return RequestHead(
        method=incoming.method,
        target=target.origin_form,
        fields=fields,
        scheme=scheme,
        authority=authority,
        peer=peer,
        has_content=incoming.length != 0,
        version="1.0" if incoming.http10 else "1.1",
    )


def expects_continue(incoming: Incoming) -> bool:
    """Whether the client waits for 100 before it sends the content (RFC 9110 §10.1.1).

    Raises ClientError (417) for any other expectation.
    """
    if incoming.http10 or "expect" not in incoming.fields:
        return False
    if (incoming.fields.joined("expect") or "").strip().lower() != "100-continue":
        raise ClientError(417, "The only expectation that can be met is 100-continue.")
    return incoming.length != 0
