"""What the ledger keeps of warm jobs, and for how long."""

import pytest

from proxy.exchange.warm_book import MOST_FINISHED, MOST_UNFINISHED, TooManyJobsError, WarmBook
from proxy.exchange.warm_list import WarmJob, WarmOrder, WarmState
from tests.support.clock import FakeClock
from tests.support.ledger import DictLedger


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def ledger(clock: FakeClock) -> DictLedger:
    return DictLedger(clock)


@pytest.fixture
def book(ledger: DictLedger, clock: FakeClock) -> WarmBook:
    return WarmBook(ledger, clock)


async def ordered(book: WarmBook, clock: FakeClock) -> WarmJob:
    clock.advance(1)
    return await book.order(WarmOrder(["/a", "/b"]), "me", 2)


async def finished(book: WarmBook, clock: FakeClock) -> WarmJob:
    job = await ordered(book, clock)
    job.state = WarmState.DONE
    await book.finish(job)
    return job


async def test_a_job_is_found_as_it_was_noted_and_has_its_list_until_it_is_over(
    book: WarmBook, clock: FakeClock
) -> None:
    job = await ordered(book, clock)
    assert await book.find(job.id) == job
    assert await book.urls(job) == ["/a", "/b"]
    job.fetched, job.next, job.state = 1, 1, WarmState.RUNNING
    await book.note(job)
    assert await book.find(job.id) == job
    job.state = WarmState.DONE
    await book.finish(job)
    assert (await book.find(job.id), await book.urls(job)) == (job, [])
    assert await book.find("another") is None


async def test_the_unfinished_are_read_without_the_others(book: WarmBook, ledger: DictLedger, clock: FakeClock) -> None:
    for _ in range(20):
        await finished(book, clock)
    job = await ordered(book, clock)
    ledger.asked.clear()
    assert await book.unfinished() == [job]
    assert ledger.asked == {"names": 1, "read": 2}
    assert len(await book.all()) == 21


async def test_each_order_is_news(book: WarmBook, clock: FakeClock) -> None:
    news = [await book.newest()]
    for _ in range(2):
        await ordered(book, clock)
        news.append(await book.newest())
    assert len(set(news)) == 3


async def test_the_oldest_that_are_over_are_forgotten(book: WarmBook, ledger: DictLedger, clock: FakeClock) -> None:
    waiting = await ordered(book, clock)
    over = [await finished(book, clock) for _ in range(MOST_FINISHED)]
    for _ in range(3):
        cancelled = await ordered(book, clock)
        await book.cancel(cancelled)
        over.append(cancelled)
    await ordered(book, clock)
    kept = {job.id for job in await book.all()}
    assert waiting.id in kept
    assert {job.id for job in over} - kept == {job.id for job in over[:3]}
    for _ in range(MOST_FINISHED + 1):
        await finished(book, clock)
    assert not [name for name in ledger.values if name.startswith("warm-cancel:")]
    assert len([name for name in ledger.values if name.startswith("warm-list:")]) == 2


async def test_a_job_that_is_cancelled_before_its_turn_is_over_and_lets_go_of_its_list(
    book: WarmBook, clock: FakeClock
) -> None:
    job = await ordered(book, clock)
    await book.cancel(job)
    found = await book.find(job.id)
    assert found is not None
    assert found.state is WarmState.CANCELLED
    assert (await book.urls(job), await book.unfinished()) == ([], [])
    running = await ordered(book, clock)
    running.state = WarmState.RUNNING
    await book.note(running)
    await book.cancel(running)
    assert await book.find(running.id) == running, "who works at it ends it"
    assert await book.is_cancelled(running.id)


async def test_so_many_may_wait(book: WarmBook, clock: FakeClock) -> None:
    jobs = [await ordered(book, clock) for _ in range(MOST_UNFINISHED)]
    with pytest.raises(TooManyJobsError):
        await ordered(book, clock)
    await book.cancel(jobs[0])
    await ordered(book, clock)
