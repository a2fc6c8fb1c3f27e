"""RFC 9111 §4: which stored response answers a request, and how."""

from typing import Any

import pytest

from proxy.policy.disposition import (
    Forward,
    ForwardReason,
    RequestDecision,
    Reuse,
    ReuseWhileRevalidating,
    Unsatisfiable,
    Validate,
)
from proxy.policy.field_values import format_http_date
from proxy.policy.messages import Fields, StoredResponse, Windows
from proxy.policy.reuse import KEPT_FOR_VALIDATION, choose, keep_for
from tests.support.builders import T0, a_request, a_stored
from tests.support.policy import a_route

ROUTE = a_route()
SWR = Windows(revalidate=10.0)
ONLY_CACHED = {"Cache-Control": "only-if-cached"}


def chosen(
    stored: StoredResponse | None, after: float = 0.0, *, honoured: bool = False, **lines: str
) -> RequestDecision:
    request = a_request(lines={name.replace("_", "-"): value for name, value in lines.items()})
    route = a_route(client_directives=honoured)
    return choose(request, [] if stored is None else [stored], route, T0 + after)


@pytest.mark.parametrize(
    ("changes", "after", "expected"),
    [
        pytest.param({}, 0, Reuse, id="4.2 fresh"),
        pytest.param({}, 59.9, Reuse, id="4.2 just fresh"),
        pytest.param({}, 60, Validate, id="4.2 lifetime = age is stale"),
        pytest.param({"corrected_initial_age": 30.0}, 30, Validate, id="4.2.3 it was old when it came"),
        pytest.param({"freshness_lifetime": 0.0}, 0, Validate, id="4.2.1 stale from the start"),
        pytest.param({"always_validate": True}, 0, Validate, id="5.2.2.4 no-cache"),
        pytest.param({"always_validate": True, "windows": SWR}, 65, Validate, id="5.2.2.4 no-cache inside a window"),
        pytest.param({"windows": SWR}, 59, Reuse, id="5861-3 fresh"),
        pytest.param({"windows": SWR}, 60, ReuseWhileRevalidating, id="5861-3 inside the window"),
        pytest.param({"windows": SWR}, 69.9, ReuseWhileRevalidating, id="5861-3 at its end"),
        pytest.param({"windows": SWR}, 70, Validate, id="5861-3 behind it: the client waits"),
        pytest.param({"windows": SWR, "never_stale": True}, 65, Validate, id="4.2.4 never stale"),
        pytest.param({"windows": Windows(error=10.0)}, 65, Validate, id="5861-4 stale-if-error is not for this"),
        pytest.param({"windows": Windows(archive=10.0)}, 65, Validate, id="nor is the archive"),
        pytest.param({"is_ended": True}, 5, ReuseWhileRevalidating, id="soft purge: served while one refresh runs"),
        pytest.param({"is_ended": True}, 60, Validate, id="soft purge: over by itself meanwhile"),
        pytest.param({"is_ended": True, "windows": SWR}, 65, ReuseWhileRevalidating, id="soft purge: in the window"),
        pytest.param({"is_ended": True, "windows": SWR}, 75, Validate, id="soft purge: behind the window"),
        pytest.param({"is_ended": True, "never_stale": True}, 5, Validate, id="soft purge: never stale"),
        pytest.param({"is_ended": True, "always_validate": True}, 5, Validate, id="soft purge: no-cache"),
        pytest.param({"negative": True}, 5, Reuse, id="negative: fresh"),
        pytest.param({"negative": True}, 65, Validate, id="negative: over"),
        pytest.param({"negative": True, "is_ended": True}, 5, Validate, id="negative: ended"),
        pytest.param({}, -5, Reuse, id="another's clock is a little ahead"),
        pytest.param({}, -6, Validate, id="the clock was set back: nobody knows how old it is"),
        pytest.param({}, -7200, Validate, id="the clock was set back by hours"),
        pytest.param({"is_ended": True}, -7200, Validate, id="the clock was set back, and it was purged"),
        pytest.param({"windows": SWR}, -7200, ReuseWhileRevalidating, id="the clock was set back, in a window"),
        pytest.param({"negative": True}, -7200, Validate, id="the clock was set back, negative"),
        pytest.param({"never_stale": True}, -7200, Validate, id="the clock was set back, never stale"),
    ],
)
def test_choose(changes: dict[str, Any], after: float, expected: type[RequestDecision]) -> None:
    assert type(chosen(a_stored(**changes), after)) is expected


@pytest.mark.parametrize(
    ("changes", "after", "expected"),
    [
        pytest.param({}, 0, Reuse, id="5.2.1.7 fresh"),
        pytest.param({"windows": SWR}, 65, ReuseWhileRevalidating, id="5.2.1.7 stale that may be served"),
        pytest.param({}, 65, Unsatisfiable, id="5.2.1.7 stale"),
        pytest.param({"always_validate": True}, 0, Unsatisfiable, id="5.2.1.7 to be validated"),
        pytest.param({"secondary_key": (("x", "1"),)}, 0, Unsatisfiable, id="5.2.1.7 another variant"),
    ],
)
def test_only_if_cached(changes: dict[str, Any], after: float, expected: type[RequestDecision]) -> None:
    assert type(chosen(a_stored(**changes), after, Cache_Control="only-if-cached")) is expected


def test_only_if_cached_with_nothing_stored() -> None:
    assert chosen(None, Cache_Control="only-if-cached") == Unsatisfiable()


@pytest.mark.parametrize(
    ("lines", "honoured", "expected"),
    [
        pytest.param({"Cache-Control": "no-cache"}, False, Reuse, id="5.2.1.4 ignored: a reload costs nobody a fetch"),
        pytest.param({"Cache-Control": "no-store"}, False, Reuse, id="5.2.1.5 ignored"),
        pytest.param({"Cache-Control": "max-age=0"}, False, Reuse, id="5.2.1.1 ignored"),
        pytest.param({"Cache-Control": "min-fresh=999"}, False, Reuse, id="5.2.1.3 ignored"),
        pytest.param({"Pragma": "no-cache"}, False, Reuse, id="5.4 ignored"),
        pytest.param({"Cache-Control": "no-cache"}, True, Validate, id="5.2.1.4 honoured"),
        pytest.param({"Pragma": "no-cache"}, True, Validate, id="5.4 honoured"),
        pytest.param({"Cache-Control": "max-age=9"}, True, Validate, id="5.2.1.1 honoured: too old"),
        pytest.param({"Cache-Control": "max-age=10"}, True, Reuse, id="5.2.1.1 honoured: young enough"),
        pytest.param({"Cache-Control": "min-fresh=51"}, True, Validate, id="5.2.1.3 honoured: not fresh enough"),
        pytest.param({"Cache-Control": "min-fresh=50"}, True, Reuse, id="5.2.1.3 honoured: fresh enough"),
        pytest.param({"Cache-Control": "max-stale"}, True, Reuse, id="5.2.1.2 max-stale changes nothing"),
        pytest.param({"Cache-Control": "no-cache, only-if-cached"}, True, Unsatisfiable, id="5.2.1.7 both"),
    ],
)
def test_what_the_client_wants(lines: dict[str, str], *, honoured: bool, expected: type[RequestDecision]) -> None:
    named = {name.replace("-", "_"): value for name, value in lines.items()}
    assert type(chosen(a_stored(), 10, honoured=honoured, **named)) is expected


def test_nothing_stored_is_a_uri_miss() -> None:
    assert chosen(None) == Forward(ForwardReason.URI_MISS)


def test_another_variant_is_a_vary_miss() -> None:
    assert chosen(a_stored(secondary_key=(("x", "1"),)), X="2") == Forward(ForwardReason.VARY_MISS)
    assert type(chosen(a_stored(secondary_key=(("x", "1"),)), X="1")) is Reuse


def test_credentials_reuse_only_what_allows_them() -> None:
    assert chosen(a_stored(), Authorization="x") == Forward(ForwardReason.REQUEST)
    assert type(chosen(a_stored(allows_authorized=True), Authorization="x")) is Reuse
    variant = a_stored(secondary_key=(("x", "1"),))
    assert chosen(variant, Authorization="x") == Forward(ForwardReason.VARY_MISS)


def dated(seconds: float, response_time: float = T0, **changes: Any) -> StoredResponse:
    fields = Fields([("Date", format_http_date(T0 + seconds))])
    return a_stored(fields=fields, response_time=response_time, **changes)


@pytest.mark.parametrize(
    ("candidates", "best"),
    [
        pytest.param([dated(-5), dated(-1), dated(-9)], 1, id="4 the most recent Date"),
        pytest.param([dated(-5, T0 - 1), dated(-5, T0)], 1, id="4 the one received last of the same Date"),
        pytest.param([a_stored(response_time=T0 - 3), dated(-5)], 0, id="4 without Date: when it was received"),
        pytest.param([dated(-5), dated(-1, secondary_key=(("x", "1"),))], 0, id="4.1 among those that match"),
    ],
)
def test_the_most_recent_is_chosen(candidates: list[StoredResponse], best: int) -> None:
    decision = choose(a_request(), candidates, ROUTE, T0)
    assert isinstance(decision, Reuse)
    assert decision.stored is candidates[best]


def test_a_decision_carries_the_conditions_to_ask_with() -> None:
    stored = a_stored(etag='"u"', etag_is_made=False, last_modified="lm", windows=SWR)
    asked = Fields([("If-None-Match", '"u"'), ("If-Modified-Since", "lm")])
    assert chosen(stored, 65) == ReuseWhileRevalidating(stored, asked)
    assert chosen(stored, 75) == Validate(stored, asked)
    assert chosen(a_stored(), 75) == Validate(a_stored(), Fields())


@pytest.mark.parametrize(
    ("changes", "seconds"),
    [
        pytest.param({}, 60, id="as long as fresh"),
        pytest.param({"corrected_initial_age": 20.0}, 40, id="less its age on arrival"),
        pytest.param({"windows": Windows(1, 3, 2)}, 63, id="to the end of the longest window"),
        pytest.param({"etag_is_made": False}, 60 + KEPT_FOR_VALIDATION, id="longer where it can be validated"),
        pytest.param({"last_modified": "x"}, 60 + KEPT_FOR_VALIDATION, id="by Last-Modified too"),
        pytest.param({"last_modified": "x", "windows": Windows(archive=1e6)}, 60 + 1e6, id="unless a window is longer"),
        pytest.param({"freshness_lifetime": 0.0}, 0, id="not at all"),
        pytest.param({"corrected_initial_age": 100.0}, 0, id="never less than nothing"),
        pytest.param({"corrected_initial_age": 100.0, "windows": Windows(50)}, 10, id="a window that has begun"),
    ],
)
def test_keep_for(changes: dict[str, Any], seconds: float) -> None:
    assert keep_for(a_stored(**changes)) == seconds
