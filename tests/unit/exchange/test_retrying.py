"""Which requests are sent again, when, and how often in all."""

from typing import Any

import pytest

from proxy.errors import Failure, UpstreamError
from proxy.exchange.ports import UpstreamRequest
from proxy.exchange.retrying import MOST_SAVED, Retrier, RetrySettings
from proxy.policy.messages import Fields
from tests.support.builders import a_response
from tests.support.clock import FakeClock


class Content:
    """Of a request."""

    length = 0

    def __aiter__(self) -> Any:
        raise NotImplementedError


def a_try(method: str = "GET", **more: Any) -> UpstreamRequest:
    return UpstreamRequest(method, "/a", None, Fields(), **more)


def a_retrier(clock: FakeClock | None = None, draw: float = 1.0, **settings: Any) -> Retrier:
    said = RetrySettings(**{"maximum": 1, **settings})
    return Retrier(said, clock or FakeClock(), 20.0, lambda: draw)


@pytest.mark.parametrize(
    ("request_", "is_repeated"),
    [
        pytest.param(a_try(), True, id="GET"),
        pytest.param(a_try("HEAD"), True, id="HEAD"),
        pytest.param(a_try("POST"), False, id="POST"),
        pytest.param(a_try("PUT"), False, id="PUT: idempotent, but its content is read once"),
        pytest.param(a_try("DELETE"), False, id="DELETE"),
        pytest.param(a_try("GET", body=Content()), False, id="a GET with content"),
        pytest.param(a_try("GET", upgrade="websocket"), False, id="one that wants to switch"),
    ],
)
def test_which_requests(request_: UpstreamRequest, is_repeated: bool) -> None:
    pause = a_retrier().tries(request_).after_answer(a_response(503))
    assert (pause is not None) is is_repeated


@pytest.mark.parametrize(
    ("status", "lines", "pause"),
    [
        pytest.param(502, {}, 0.25, id="502"),
        pytest.param(503, {}, 0.25, id="503"),
        pytest.param(503, {"Retry-After": "1"}, 1.0, id="it asks for a moment"),
        pytest.param(503, {"Retry-After": "30"}, None, id="it asks to be left alone"),
        pytest.param(500, {}, None, id="not one of them"),
        pytest.param(200, {}, None, id="an answer"),
    ],
)
def test_after_which_answers(status: int, lines: dict[str, str], pause: float | None) -> None:
    assert a_retrier().tries(a_try()).after_answer(a_response(status, lines)) == pause


@pytest.mark.parametrize(
    ("failure", "settings", "is_repeated"),
    [
        pytest.param(Failure.UNREACHABLE, {}, True, id="no connection"),
        pytest.param(Failure.UNREACHABLE, {"on_connect": False}, False, id="not asked for"),
        pytest.param(Failure.TIMEOUT, {}, False, id="it may be working on it"),
        pytest.param(Failure.PROTOCOL, {}, False, id="it may have done it"),
    ],
)
def test_after_which_failures(failure: Failure, settings: dict[str, Any], is_repeated: bool) -> None:
    pause = a_retrier(**settings).tries(a_try()).after_failure(UpstreamError(failure, "x"))
    assert (pause is not None) is is_repeated


def test_no_more_often_than_it_says_and_after_longer_pauses() -> None:
    tries = a_retrier(maximum=3, budget=1.0)
    tries._saved = 10.0
    one = tries.tries(a_try())
    assert [one.after_answer(a_response(503)) for _ in range(5)] == [0.25, 0.5, 1.0, None, None]


def test_off_by_default() -> None:
    assert Retrier(RetrySettings(), FakeClock(), 20.0).tries(a_try()).after_answer(a_response(503)) is None


def test_not_when_there_is_no_time_left() -> None:
    clock = FakeClock()
    tries = a_retrier(clock).tries(a_try())
    assert tries.seconds_left is None
    clock.advance(19.8)
    assert tries.after_answer(a_response(503)) is None


def test_a_repetition_has_what_is_left_of_the_time() -> None:
    clock = FakeClock()
    tries = a_retrier(clock).tries(a_try())
    clock.advance(5)
    assert tries.after_answer(a_response(503)) == 0.25
    clock.advance(1)
    assert tries.seconds_left == 14


def test_a_fifth_of_the_requests_at_most_when_all_fail() -> None:
    retrier = a_retrier(maximum=2)
    repeated = 0
    for _ in range(1000):
        tries = retrier.tries(a_try())
        while tries.after_answer(a_response(503)) is not None:
            repeated += 1
    assert repeated == pytest.approx(200, abs=2)


def test_quiet_times_save_up_a_few() -> None:
    retrier = a_retrier(maximum=100, budget=0.2)
    for _ in range(1000):
        retrier.tries(a_try())
    tries = retrier.tries(a_try())
    done = sum(tries.after_failure(UpstreamError(Failure.UNREACHABLE, "x")) is not None for _ in range(100))
    assert 0 < done <= MOST_SAVED


def test_without_a_budget_nothing_is_repeated() -> None:
    retrier = a_retrier(budget=0.0)
    done = [retrier.tries(a_try()).after_answer(a_response(503)) for _ in range(3)]
    assert done == [None, None, None]
