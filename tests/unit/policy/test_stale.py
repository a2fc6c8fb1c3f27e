"""RFC 9111 §4.2.4, RFC 5861: when something stale is served, by whose leave, and to the second."""

from typing import Any

import pytest

from proxy.errors import Failure
from proxy.policy.disposition import Relay, ReuseWhileRevalidating, ServeStale, StaleReason, Validate, Verdict
from proxy.policy.messages import ResponseHead, StoredResponse, Timing
from proxy.policy.reuse import KEPT_FOR_VALIDATION, choose, keep_for
from proxy.policy.route import Mode
from proxy.policy.validation import conclude, stand_in
from tests.support.builders import T0, a_request
from tests.support.policy import a_head, a_route, a_rule, stored_as

DAY = 86_400.0
OUT = (Failure.UNREACHABLE, Failure.TIMEOUT, Failure.PROTOCOL)


def kept(cache_control: str, status: int = 200, **settings: Any) -> StoredResponse:
    """What a route that stands in for a day keeps of a response, fresh for a minute."""
    route = a_route(**{"stale_on_disconnect": DAY, "statuses": None, **settings})
    return stored_as(a_head({"Cache-Control": cache_control} if cache_control else {}, status), route)


def stands_in(stored: StoredResponse, failure: Failure, after: float) -> StaleReason | None:
    decision = stand_in(stored, failure, T0 + after)
    return decision.reason if isinstance(decision, ServeStale) else None


ERROR, ARCHIVE = StaleReason.ERROR, StaleReason.ARCHIVE


@pytest.mark.parametrize("failure", OUT)
@pytest.mark.parametrize(
    ("cache_control", "settings", "after", "expected"),
    [
        pytest.param("max-age=60", {}, 61, ERROR, id="4.2.4 disconnected"),
        pytest.param("max-age=60", {}, 60, ERROR, id="4.2.4 from the moment it is stale"),
        pytest.param("max-age=60", {}, 59 + DAY, ERROR, id="4.2.4 to the end of the window"),
        pytest.param("max-age=60", {}, 60 + DAY, None, id="4.2.4 and no longer"),
        pytest.param("max-age=60", {"stale_on_disconnect": 0.0}, 60, None, id="4.2.4 the route says never"),
        pytest.param("public, max-age=60", {}, 61, ERROR, id="5.2.2.9 public"),
        pytest.param("max-age=60, must-revalidate", {}, 61, None, id="5.2.2.2 must-revalidate"),
        pytest.param("max-age=60, proxy-revalidate", {}, 61, None, id="5.2.2.8 proxy-revalidate"),
        pytest.param("max-age=60, no-cache", {}, 61, None, id="5.2.2.4 no-cache"),
        pytest.param("max-age=60, no-cache", {}, 5, None, id="5.2.2.4 no-cache, even while young"),
        pytest.param('max-age=60, no-cache="x"', {}, 61, ERROR, id="5.2.2.4 of fields: the rest may"),
        pytest.param("s-maxage=60", {}, 61, None, id="5.2.2.10 s-maxage"),
        pytest.param("s-maxage=60, max-age=99", {}, 61, None, id="5.2.2.10 s-maxage beside max-age"),
        pytest.param("max-age=0", {}, 1, None, id="what was never fresh"),
        pytest.param("max-age=60, stale-if-error=10", {}, 69, ERROR, id="5861-4 the origin names a window"),
        pytest.param("max-age=60, stale-if-error=10", {}, 70, None, id="5861-4 and means it"),
        pytest.param("max-age=60, stale-if-error=0", {}, 60, None, id="5861-4 none at all"),
        pytest.param("max-age=60, stale-while-revalidate=10", {}, 69, ERROR, id="5861-3 inside that window"),
        pytest.param("max-age=60, stale-while-revalidate=10", {}, 70, None, id="5861-3 not behind it"),
        pytest.param("max-age=60", {"stale_if_error": 10.0}, 69, ERROR, id="the route names a window"),
        pytest.param("max-age=60", {"stale_if_error": 10.0}, 70, None, id="and means it"),
        pytest.param("max-age=60", {"stale_while_revalidate": 10.0}, 70, None, id="so with the other window"),
        pytest.param("max-age=60", {"archive": 2 * DAY}, 60 + DAY, ARCHIVE, id="then the archive"),
        pytest.param("", {"ttl": 60.0}, 61, ERROR, id="a lifetime that filled in"),
        pytest.param(
            "max-age=60", {"mode": Mode.OVERRIDE, "ttl": 60.0}, 61, None, id="override: the operator names it"
        ),
    ],
)
def test_disconnected(
    failure: Failure, cache_control: str, settings: dict[str, Any], after: float, expected: StaleReason | None
) -> None:
    assert stands_in(kept(cache_control, **settings), failure, after) == expected


@pytest.mark.parametrize("failure", [Failure.FAULTY, Failure.SHED])
def test_an_answer_that_is_an_error_is_no_disconnection(failure: Failure) -> None:
    assert stands_in(kept("max-age=60"), failure, 61) is None
    named = StaleReason.SHED if failure is Failure.SHED else ERROR
    assert stands_in(kept("max-age=60, stale-if-error=10"), failure, 61) == named


@pytest.mark.parametrize("status", [400, 404, 410, 503])
def test_an_error_is_not_kept_for_a_disconnection(status: int) -> None:
    assert stands_in(kept("max-age=60", status), Failure.UNREACHABLE, 61) is None


@pytest.mark.parametrize("status", [203, 300, 301, 308])
def test_other_good_answers_are(status: int) -> None:
    assert stands_in(kept("max-age=60", status), Failure.UNREACHABLE, 61) is ERROR


def test_a_negative_answer_has_no_window() -> None:
    route = a_route(stale_on_disconnect=DAY, verdicts=(a_rule("none", Verdict.NEGATIVE),))
    stored = stored_as(a_head({"Cache-Control": "max-age=60"}), route, body=b'{"none": 1}')
    assert stands_in(stored, Failure.UNREACHABLE, 61) is None


@pytest.mark.parametrize("status", [500, 502, 503, 504])
@pytest.mark.parametrize(
    ("cache_control", "after", "expected"),
    [
        pytest.param("max-age=60, stale-if-error=10", 60, ERROR, id="5861-4 from the moment it is stale"),
        pytest.param("max-age=60, stale-if-error=10", 69.9, ERROR, id="5861-4 inside"),
        pytest.param("max-age=60, stale-if-error=10", 70, None, id="5861-4 at its end"),
        pytest.param("max-age=60", 61, None, id="5861-4 nobody named one: the error goes through"),
        pytest.param("max-age=60, must-revalidate, stale-if-error=10", 61, None, id="5.2.2.2 must-revalidate"),
        pytest.param("max-age=60, proxy-revalidate, stale-if-error=10", 61, None, id="5.2.2.8 proxy-revalidate"),
        pytest.param("max-age=60, no-cache, stale-if-error=10", 61, None, id="5.2.2.4 no-cache"),
        pytest.param("s-maxage=60", 61, None, id="5.2.2.10 s-maxage"),
    ],
)
def test_an_error_from_the_upstream(
    status: int, cache_control: str, after: float, expected: StaleReason | None
) -> None:
    now = Timing(T0 + after, T0 + after)
    decision = conclude(kept(cache_control), ResponseHead(status, a_head().fields), a_route(), now)
    assert (decision.reason if isinstance(decision, ServeStale) else None) == expected


@pytest.mark.parametrize("status", [200, 301, 400, 404, 410, 501, 505, 599])
def test_any_other_answer_takes_its_place(status: int) -> None:
    stored, now = kept("max-age=60, stale-if-error=10"), Timing(T0 + 61, T0 + 61)
    assert conclude(stored, a_head(status=status), a_route(), now) == Relay()


@pytest.mark.parametrize(
    ("lines", "after", "expected"),
    [
        pytest.param({"Cache-Control": "max-age=60, stale-while-revalidate=10"}, 60, True, id="5861-3 its beginning"),
        pytest.param({"Cache-Control": "max-age=60, stale-while-revalidate=10"}, 69.9, True, id="5861-3 inside"),
        pytest.param({"Cache-Control": "max-age=60, stale-while-revalidate=10"}, 70, False, id="5861-3 its end"),
        pytest.param(
            {"Cache-Control": "max-age=60, stale-while-revalidate=10", "Age": "30"},
            39.9,
            True,
            id="5861-3 counted from the end of freshness, Age and all",
        ),
        pytest.param(
            {"Cache-Control": "max-age=60, stale-while-revalidate=10", "Age": "30"}, 40, False, id="5861-3 to its end"
        ),
        pytest.param(
            {"Cache-Control": "max-age=60, stale-while-revalidate=10", "Age": "65"}, 0, True, id="5861-3 on arrival"
        ),
        pytest.param({"Cache-Control": "max-age=0, stale-while-revalidate=10"}, 0, True, id="5861-3 max-age=0"),
        pytest.param({"Cache-Control": "max-age=60, stale-while-revalidate"}, 60, False, id="4.2.1 no argument"),
        pytest.param({"Cache-Control": "max-age=60, stale-while-revalidate=x"}, 60, False, id="4.2.1 invalid"),
        pytest.param({"Cache-Control": 'max-age=60, stale-while-revalidate="10"'}, 65, True, id="5.2 quoted"),
        pytest.param(
            {"Cache-Control": "max-age=60, stale-while-revalidate=10, must-revalidate"}, 65, False, id="5.2.2.2"
        ),
        pytest.param({"Cache-Control": "max-age=60, stale-while-revalidate=10, no-cache"}, 65, False, id="5.2.2.4"),
        pytest.param({"Cache-Control": "max-age=60, stale-if-error=10"}, 65, False, id="5861-4 is not for this"),
        pytest.param({"Cache-Control": "max-age=60"}, 65, False, id="4.2.4 nor is a disconnection that is none"),
    ],
)
def test_while_revalidating(lines: dict[str, str], after: float, *, expected: bool) -> None:
    stored = stored_as(a_head(lines), a_route(stale_on_disconnect=DAY))
    decision = choose(a_request(), [stored], a_route(), T0 + after)
    assert type(decision) is (ReuseWhileRevalidating if expected else Validate)


@pytest.mark.parametrize(
    ("cache_control", "settings", "seconds"),
    [
        pytest.param("max-age=60", {}, 60 + DAY, id="as long as it may stand in"),
        pytest.param("max-age=60", {"stale_on_disconnect": 5.0}, 65, id="for the route's window"),
        pytest.param("max-age=60", {"archive": 2 * DAY}, 60 + 2 * DAY, id="for the longest"),
        pytest.param("max-age=60, stale-if-error=10", {}, 70, id="for the one that was named"),
        pytest.param("max-age=60, must-revalidate", {}, 120, id="where it is forbidden, to say so for a minute"),
        pytest.param("no-cache", {}, 0, id="not what may never be used unasked"),
        pytest.param("max-age=0", {}, 0, id="not what was never fresh"),
    ],
)
def test_it_is_kept_as_long(cache_control: str, settings: dict[str, Any], seconds: float) -> None:
    assert keep_for(kept(cache_control, **settings)) == seconds
    assert KEPT_FOR_VALIDATION == DAY
