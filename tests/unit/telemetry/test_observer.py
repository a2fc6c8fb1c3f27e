"""What is said of the upstream, how loudly, and what overload must not fill the log with."""

import logging
from collections.abc import Iterator

import pytest

from proxy.errors import Failure
from proxy.exchange.breaker import State
from proxy.telemetry.observer import Telemetry


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
