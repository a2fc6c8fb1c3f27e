"""Interim responses on their way from a fetch to the client it is for (RFC 9110 §15.2). Keeps none, and never waits."""

from functools import partial

from proxy.exchange.ports import OnInterim
from proxy.policy.heads import interim_head
from proxy.policy.messages import ResponseHead
from proxy.policy.route import RoutePolicy


def relayed(to: OnInterim | None, route: RoutePolicy) -> OnInterim | None:
    """``to``, told what is meant for the client; None where nobody wants to hear."""
    return None if to is None else partial(_relay, to, route)


def _relay(to: OnInterim, route: RoutePolicy, interim: ResponseHead) -> None:
    to(interim_head(interim, route))
