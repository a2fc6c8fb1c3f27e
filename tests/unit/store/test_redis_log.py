"""The purge log's words: positions, entries, and what stands for what is lost."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.exchange.entry_ids import entry_id
from proxy.exchange.purges import Purge, PurgeKind, PurgeMode
from proxy.store import redis_log
from proxy.store.backing import LoggedPurge
from proxy.store.redis_log import BEGINNING, bridged, last_position, logged, position_of, stream_id_of
from proxy.store.redis_question import NonsenseError

PURGE = Purge(PurgeKind.URL, "/a", PurgeMode.SOFT)
MOMENTS = st.tuples(st.integers(0, 2**42), st.integers(0, 2**20 - 1))


@given(MOMENTS, MOMENTS)
def test_positions_rise_with_stream_ids(one: tuple[int, int], other: tuple[int, int]) -> None:
    first, second = (position_of(b"%d-%d" % moment) for moment in (one, other))
    assert (first < second) == (one < other)
    assert stream_id_of(first) == b"%d-%d" % one


@pytest.mark.parametrize("said", [b"", b"1", b"1-", b"-1", b"a-b", b"1-2-3", b"9" * 30 + b"-0", 7, None, [], "1-1"])
def test_what_is_no_stream_id_is_nonsense(said: object) -> None:
    with pytest.raises(NonsenseError):
        position_of(said)


@given(st.sampled_from(PurgeKind), st.text(st.characters(), max_size=50), st.sampled_from(PurgeMode))
def test_a_purge_is_read_as_it_was_written(kind: PurgeKind, argument: str, mode: PurgeMode) -> None:
    if kind is PurgeKind.PATTERN:
        argument = "/" + argument.replace("*", "")
    if kind is PurgeKind.ENTRY:
        argument = entry_id("/" + argument, ())
    purge = Purge(kind, argument, mode)
    command = redis_log.append(redis_log.Log(b"log", b"readers", b"all", 9, 1000), b"*", purge, "", 7, b"one")
    entry = list(command[command.index(b"*") + 1 :])
    assert logged([[b"5000-0", entry]]) == [LoggedPurge(position_of(b"5000-0"), purge, 5.0)]


@pytest.mark.parametrize(
    "fields",
    [
        [b"kind", b"pattern", b"mode", b"soft", b"argument", b"x"],
        [b"kind", b"moon", b"mode", b"soft", b"argument", b"x"],
        [b"kind", b"url", b"mode", b"refresh", b"argument", b"x"],
        [b"kind", b"url"],
        [b"kind", 3, b"mode", b"soft", b"argument", b"x"],
        [],
    ],
)
def test_a_purge_of_another_version_is_taken_for_the_most_it_could_mean(fields: list[object]) -> None:
    assert [entry.purge for entry in logged([[b"1-0", fields]])] == [BEGINNING]


@pytest.mark.parametrize("reply", [None, 3, b"x", [3], [[b"1-1"]], [[b"1-1", b"x"]], [[b"2-0", []], [b"1-0", []]]])
def test_what_is_no_log_is_nonsense(reply: object) -> None:
    with pytest.raises(NonsenseError):
        logged(reply)


def test_an_empty_log_has_no_position() -> None:
    assert last_position([]) is None
    assert last_position([[b"1-0", []]]) == position_of(b"1-0")


@pytest.mark.parametrize(
    ("position", "first", "expected"),
    [
        pytest.param(100, LoggedPurge(50, PURGE, 0), [], id="the log goes back further than we need"),
        pytest.param(100, LoggedPurge(101, PURGE, 0), [], id="nothing fits between"),
        pytest.param(0, LoggedPurge(200, BEGINNING, 0), [], id="it begins by itself"),
        pytest.param(100, LoggedPurge(200, PURGE, 0), [(199, BEGINNING)], id="what was between was trimmed away"),
    ],
)
def test_what_was_trimmed_away_stands_there_as_a_purge_of_everything(
    position: int, first: LoggedPurge, expected: list[tuple[int, Purge]]
) -> None:
    later = [LoggedPurge(300, PURGE, 0)]
    found = [(entry.position, entry.purge) for entry in bridged(position, first, later)]
    assert found == [*expected, (300, PURGE)]


@pytest.mark.parametrize(
    "said",
    [
        b"",
        b"*0\r\n",
        b"*4\r\n$1\r\nw\r\n",  # half of it
        b"+OK\r\n",
        b"not the protocol",
        b"*4\r\n$1\r\nw\r\n$1\r\n0\r\n$3\r\n1-0\r\n*0\r\n",
        b"*4\r\n$1\r\nw\r\n$3\r\n0-0\r\n$1\r\nx\r\n*0\r\n",
        b"*4\r\n$1\r\nw\r\n$3\r\n0-0\r\n$3\r\n1-0\r\n:7\r\n",
    ],
)
def test_a_message_that_says_nothing_plain_sends_to_the_log(said: bytes) -> None:
    assert redis_log.announced(redis_log.PURGED + said) is None


@pytest.mark.parametrize("reply", [3, None, [], [b"1-0"], b"1-0", [b"x", []]])
def test_what_is_no_place_in_the_log_is_nonsense(reply: object) -> None:
    with pytest.raises(NonsenseError):
        redis_log.appended(reply)
