"""What is said of the upstream, how loudly, and what overload must not fill the log with."""

import logging
from collections.abc import Iterator, Mapping

import pytest

from proxy.errors import Failure
from proxy.exchange.breaker import State
from proxy.exchange.ports import Exchanged
from proxy.policy import dispositions
from proxy.telemetry.observer import _NEVER, Telemetry
from tests.support.builders import a_request


@pytest.fixture
def lines(caplog: pytest.LogCaptureFixture) -> Iterator[pytest.LogCaptureFixture]:
    """Every line, whatever an earlier test has set up."""
    logger = logging.getLogger("tambo")
    before = logger.propagate
    logger.propagate = True
    caplog.set_level(logging.DEBUG, "tambo")
    yield caplog
    logger.propagate = before


@pytest.mark.parametrize(
    ("failure", "level"),
    [
        (Failure.UNREACHABLE, logging.WARNING),
        (Failure.TIMEOUT, logging.WARNING),
        (Failure.PROTOCOL, logging.WARNING),
        (Failure.SHED, logging.DEBUG),
        (Failure.BREAKER, logging.DEBUG),
    ],
)
def test_what_was_never_asked_is_no_warning(lines: pytest.LogCaptureFixture, failure: Failure, level: int) -> None:
    Telemetry().upstream_failed("ruc", failure, "why")
    (record,) = lines.records
    assert (record.levelno, record.message) == (level, "upstream failed")


def test_a_breaker_says_when_it_opens_and_when_all_is_well(lines: pytest.LogCaptureFixture) -> None:
    telemetry = Telemetry()
    for state in (State.OPEN, State.HALF_OPEN, State.CLOSED):
        telemetry.breaker_changed(state)
    assert [record.levelno for record in lines.records] == [logging.WARNING, logging.INFO]


def an_exchange(status: int = 200, *, aborted: bool = False, lines: Mapping[str, str] | None = None) -> Exchanged:
    request = a_request(lines=lines)
    return Exchanged(request, "ruc", dispositions.hit(5), status, 0.002, saved_seconds=3, aborted=aborted)


def told(lines: pytest.LogCaptureFixture) -> int:
    return sum(record.name == "tambo.access" for record in lines.records)


def test_a_line_has_what_the_cache_did_and_whose_request_it_was(lines: pytest.LogCaptureFixture) -> None:
    trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    Telemetry().exchanged(an_exchange(lines={"X-Request-Id": "r" * 200, "traceparent": trace}))
    (record,) = lines.records
    said = vars(record)
    assert (said["cache"], said["result"], said["saved"]) == ("HIT", "hit", 3)
    assert said["request_id"] == "r" * 128
    assert said["trace_id"] == "0af7651916cd43dd8448eb211c80319c"


@pytest.mark.parametrize("value", [None, "", "00", "a-b-c"])
def test_what_is_no_traceparent_is_no_trace(lines: pytest.LogCaptureFixture, value: str | None) -> None:
    Telemetry().exchanged(an_exchange(lines={} if value is None else {"traceparent": value}))
    assert vars(lines.records[0])["trace_id"] is None


@pytest.mark.parametrize(
    ("sample", "drawn", "expected"), [(1.0, 0.5, 100), (0.5, 0.5, 50), (0.1, 0.5, 14), (0.0, 0.5, 0)]
)
def test_a_sample_is_logged(lines: pytest.LogCaptureFixture, sample: float, drawn: float, expected: int) -> None:
    telemetry = Telemetry(sample, lambda: drawn)
    for _ in range(100):
        telemetry.exchanged(an_exchange())
    assert told(lines) == expected


def test_whoever_asks_first_and_logs_then_counts_once(lines: pytest.LogCaptureFixture) -> None:
    """The hit path asks before it tells."""
    telemetry = Telemetry(0.5, lambda: 0.5)
    for _ in range(100):
        if telemetry.logs_request():
            telemetry.exchanged(an_exchange())
    assert told(lines) == 50


def test_what_went_wrong_is_always_logged(lines: pytest.LogCaptureFixture) -> None:
    telemetry = Telemetry(0.0)
    telemetry.exchanged(an_exchange(504))
    telemetry.exchanged(an_exchange(aborted=True))
    telemetry.exchanged(an_exchange())
    assert told(lines) == 2


def test_nothing_is_logged_where_nobody_listens(lines: pytest.LogCaptureFixture) -> None:
    lines.set_level(logging.WARNING, "tambo")
    telemetry = Telemetry()
    assert not telemetry.may_log()
    assert not telemetry.logs_request()
    telemetry.exchanged(an_exchange(504))
    assert told(lines) == 0


@pytest.mark.parametrize(("sample", "expected"), [(1.0, True), (0.001, True), (0.0, False)])
def test_of_a_sample_some_may_be_logged(lines: pytest.LogCaptureFixture, sample: float, *, expected: bool) -> None:
    telemetry = Telemetry(sample, lambda: 0.5)
    telemetry.exchanged(an_exchange())
    assert telemetry.may_log() is expected
    telemetry.resample(0.5)
    assert telemetry.may_log()


def test_however_small_a_sample_is_a_sample() -> None:
    assert Telemetry(1e-17, lambda: 0.5)._next_gap() > 1 << 50
    assert Telemetry(5e-324, lambda: 0.5)._next_gap() == _NEVER


def test_a_random_sample_is_about_that_part() -> None:
    telemetry = Telemetry(0.2)
    logging.getLogger("tambo.access").setLevel(logging.NOTSET)
    gaps = [telemetry._next_gap() for _ in range(20_000)]
    assert 3.6 < sum(gaps) / len(gaps) < 4.4
