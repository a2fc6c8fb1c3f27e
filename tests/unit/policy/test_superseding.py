"""RFC 9111 §4.3.3: what an answer that is not kept says of what is stored in its place."""

import pytest

from proxy.errors import Failure
from proxy.policy.disposition import NotStoredReason, Relay, ServeStale
from proxy.policy.messages import Windows
from proxy.policy.route import RoutePolicy
from proxy.policy.superseding import superseded
from proxy.policy.validation import conditional, stand_in
from tests.support.builders import T0, a_stored
from tests.support.policy import a_head, a_route, an_override

OLD = a_stored(etag='"v1"', etag_is_made=False, freshness_lifetime=10.0, windows=Windows(99.0, 99.0, 99.0, 99.0))
R = NotStoredReason


@pytest.mark.parametrize(
    ("status", "reason", "route", "is_over"),
    [
        pytest.param(200, R.NO_STORE, a_route(), True, id="4.3.3 it may not be stored any more"),
        pytest.param(200, R.PRIVATE, a_route(), True, id="4.3.3 it is private now"),
        pytest.param(200, R.CONTENT_TYPE, a_route(), True, id="4.3.3 nobody says how long it lasts"),
        pytest.param(200, R.TOO_LARGE, a_route(), True, id="4.3.3 it is too large now"),
        pytest.param(302, R.STATUS, a_route(), True, id="4.3.3 it is elsewhere"),
        pytest.param(404, R.STATUS, a_route(), True, id="4.3.3 it is not there"),
        pytest.param(410, R.STATUS, a_route(), True, id="4.3.3 it is gone"),
        pytest.param(200, R.SET_COOKIE, a_route(), False, id="somebody's cookie says nothing of it"),
        pytest.param(200, R.AUTHORIZATION, a_route(), False, id="nor do credentials"),
        pytest.param(200, R.BODY_VERDICT, a_route(), False, id="nor a body that nobody can read"),
        pytest.param(400, R.STATUS, a_route(), False, id="nor an odd request"),
        pytest.param(403, R.STATUS, a_route(), False, id="nor one that is refused"),
        pytest.param(429, R.STATUS, a_route(), False, id="nor an upstream that is asked too much"),
        pytest.param(503, R.STATUS, a_route(), False, id="nor one that fails"),
        pytest.param(404, R.STATUS, an_override(), False, id="override: the operator's windows hold"),
    ],
)
def test_what_is_over(status: int, reason: NotStoredReason, route: RoutePolicy, *, is_over: bool) -> None:
    left = superseded(OLD, a_head(status=status), reason, route)
    assert (left is not None) is is_over
    assert isinstance(stand_in(OLD, Failure.UNREACHABLE, T0 + 20), ServeStale)
    if left is not None:
        assert stand_in(left, Failure.UNREACHABLE, T0 + 20) == Relay()
        assert conditional(left).all("if-none-match") == ('"v1"',)
        assert superseded(left, a_head(status=status), reason, route) is None, "once"
