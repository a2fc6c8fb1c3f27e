"""RFC 9111 §4.4: which requests invalidate what is stored for their target. Names the need; removes nothing."""

from proxy.policy.messages import RequestHead, ResponseHead

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})
"""RFC 9110 §9.2.1; a method that is not known is unsafe."""


def invalidates(request: RequestHead, response: ResponseHead) -> bool:
    """Whether an unsafe request succeeded (2xx or 3xx), so that what is stored for its target may no longer hold."""
    return request.method not in SAFE_METHODS and response.status // 100 in (2, 3)
