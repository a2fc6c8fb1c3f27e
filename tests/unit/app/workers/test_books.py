"""What workers have counted: of those who are there the latest, of those who have gone the last, and nothing twice."""

import json
from typing import Any

import pytest

from proxy.app.workers.books import Books
from proxy.app.workers.messages import Counted
from proxy.exchange.causes import Cause
from proxy.exchange.ports import Fetched
from proxy.telemetry.metrics import TamboCollector, exposition
from proxy.telemetry.observer import Telemetry
from proxy.telemetry.statistics import statistics
from tests.support.clock import FakeClock
from tests.unit.telemetry.test_metrics import SOURCES, a_hit


class Worker:
    """Counts, and tells of it as a worker does."""

    def __init__(self) -> None:
        self.telemetry = Telemetry()

    def count(self, hits: int) -> "Worker":
        for _ in range(hits):
            self.telemetry.exchanged(a_hit())
            self.telemetry.fetched(Fetched("ruc", Cause.MISS, "2xx", 0.3))
        return self

    @property
    def figures(self) -> dict[str, Any]:
        told = statistics(self.telemetry, SOURCES, 12.0)
        return told | {"mode": {"mode": "offline"}, "health": {"status": "healthy"}}

    @property
    def last(self) -> Counted:
        metrics = exposition(TamboCollector(self.telemetry, SOURCES)).decode()
        return Counted(metrics, statistics(self.telemetry, SOURCES, 12.0))


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def books(clock: FakeClock) -> Books:
    return Books(clock)


def told(books: Books, **workers: Worker) -> dict[str, Any]:
    """What is answered when these are asked; names are ``w`` and the number."""
    answers = [(int(name[1:]), worker.figures) for name, worker in workers.items()]
    for number, _ in answers:
        books.come(number)
    return books.figures(answers)


def test_what_somebody_counted_who_has_gone_stays(books: Books) -> None:
    first, second = Worker().count(3), Worker().count(4)
    assert told(books, w1=first, w2=second)["requests"]["total"] == 7
    books.depart(1)
    books.depart(1)
    later = told(books, w2=second.count(1))
    assert (later["workers"], later["requests"]["total"], later["routes"]["ruc"]["from_store"]) == (1, 8, 8)
    assert (later["upstream"]["requests"], later["upstream"]["latency"]["count"]) == (8, 8)
    books.depart(2)
    last = told(books, w3=Worker())
    assert (last["workers"], last["requests"]["total"], last["upstream"]["shed"]) == (1, 8, {"queue-full": 3})


def test_its_last_word_counts_and_not_what_was_read_before(books: Books) -> None:
    worker = Worker().count(3)
    told(books, w1=worker)
    books.depart(1, worker.count(2).last)
    assert told(books, w2=Worker())["requests"]["total"] == 5
    assert b'result="hit",route="ruc",status_class="2xx"} 5.0' in books.exposition((), ())


def test_of_who_has_gone_there_is_nothing_that_holds_now(books: Books, clock: FakeClock) -> None:
    told(books, w1=Worker())
    books.depart(1)
    clock.advance(60)
    now = told(books, w2=Worker())
    alone = told(Books(clock), w2=Worker())
    for name in ("inflight", "queue_depth", "breaker", "held"):
        assert now["upstream"][name] == alone["upstream"][name]
    assert now["tiers"]["memory"]["bytes"] == alone["tiers"]["memory"]["bytes"]
    assert now["tiers"]["memory"]["hits"] == 2 * alone["tiers"]["memory"]["hits"]
    assert (now["mode"], now["generation"]) == ({"mode": "offline"}, 3)
    assert (now["uptime"], alone["uptime"]) == (60.0, 0.0), "since Tambo began, as its counts are"


def test_what_was_read_though_nobody_asked_stays(books: Books) -> None:
    worker = Worker().count(3)
    books.come(1)
    books.note(1, worker.last.metrics.encode(), json.dumps(worker.figures).encode())
    books.depart(1)
    assert told(books, w2=Worker())["requests"]["total"] == 3
    assert b'route="ruc",status_class="2xx"} 3.0' in books.exposition((), ())


def test_who_did_not_answer_this_time_counts_as_before(books: Books) -> None:
    first, second = Worker().count(3), Worker().count(4)
    told(books, w1=first, w2=second)
    assert told(books, w2=second)["requests"]["total"] == 7


def test_who_ended_since_it_answered_is_not_counted_twice(books: Books) -> None:
    first, second = Worker().count(3), Worker().count(4)
    told(books, w1=first, w2=second)
    books.depart(1)
    assert books.figures([(1, first.figures), (2, second.figures)])["requests"]["total"] == 7
    books.depart(2)
    assert books.figures([(2, second.figures)])["requests"]["total"] == 7


def test_one_whom_nobody_ever_read_leaves_nothing_and_one_who_alone_answers_is_told(books: Books) -> None:
    books.come(1)
    books.depart(1)
    assert books.figures([(2, Worker().count(2).figures)])["requests"]["total"] == 2
