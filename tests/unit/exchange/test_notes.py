"""What a fetch leaves for those who waited in other processes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from proxy.errors import Failure, UpstreamError
from proxy.exchange.leases import Ending, Note
from proxy.exchange.notes import MOST_SHARED, note_of, outcome_of
from proxy.exchange.singleflight import Alone, Failed, FillOutcome, Shared, Spoken
from proxy.policy.disposition import NotStoredReason
from proxy.policy.messages import Fields, ResponseHead
from tests.support.builders import a_stored

HEAD = ResponseHead(404, Fields([("Content-Type", "application/json"), ("X-Odd", "\xff")]), "Not Here")


def a_spoken(body: bytes = b"{}", *, is_shared: bool = True) -> Spoken:
    return Spoken(HEAD, body, NotStoredReason.STATUS, 404, is_shared=is_shared)


@pytest.mark.parametrize(
    ("outcome", "ending"),
    [
        (Shared(a_stored(), HEAD), Ending.GONE),
        (a_spoken(), Ending.SPOKEN),
        (a_spoken(is_shared=False), Ending.ALONE),
        (a_spoken(b"x" * (MOST_SHARED + 1)), Ending.GONE),
        (Alone(), Ending.ALONE),
        (Failed(UpstreamError(Failure.UNREACHABLE, "refused")), Ending.FAILED),
        (Failed(UpstreamError(Failure.SHED, "queue-full", 3)), Ending.GONE),
        (Failed(UpstreamError(Failure.BREAKER, "open", 3)), Ending.GONE),
    ],
)
def test_each_outcome_has_its_ending(outcome: FillOutcome, ending: Ending) -> None:
    assert note_of(outcome).ending is ending


def test_an_answer_arrives_as_it_was() -> None:
    sent = replace(a_spoken(b"\x00body"), secondary_key=(("x-api-key", "k"), ("y", None)), caller="c")
    told = outcome_of(note_of(sent))
    assert isinstance(told, Spoken)
    assert (told.secondary_key, told.caller) == (sent.secondary_key, "c")
    assert (told.head, told.body, told.reason, told.is_elsewhere) == (HEAD, b"\x00body", NotStoredReason.STATUS, True)


def test_a_failure_arrives_as_it_was() -> None:
    told = outcome_of(note_of(Failed(UpstreamError(Failure.TIMEOUT, "late", 7))))
    assert isinstance(told, Failed)
    assert (told.error.failure, told.error.detail, told.error.retry_after) == (Failure.TIMEOUT, "late", 7)
    assert told.is_elsewhere


@given(st.sampled_from(Ending), st.binary(max_size=200))
def test_whatever_stands_in_redis_is_no_error(ending: Ending, data: bytes) -> None:
    assert outcome_of(Note(ending, data)) is None or ending in {Ending.SPOKEN, Ending.FAILED}
