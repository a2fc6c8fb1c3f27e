"""A list to be warmed: made from a template, counted, and kept as bytes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.exchange.warm_list import (
    MOST_FAILURES,
    WarmJob,
    WarmState,
    expanded,
    pack_job,
    pack_urls,
    read_job,
    read_urls,
)


def a_job(total: int = 10, parallel: int = 2) -> WarmJob:
    return WarmJob("a", 1000.0, "127.0.0.1", total, parallel)


def test_a_value_stands_as_one_segment() -> None:
    assert expanded("/ruc/{ruc}?x=1", ["1", 2, "a/b c&d", "ñ"]) == [
        "/ruc/1?x=1",
        "/ruc/2?x=1",
        "/ruc/a%2Fb%20c%26d?x=1",
        "/ruc/%C3%B1?x=1",
    ]
    assert expanded("/{}", ["{}"]) == ["/%7B%7D"]


@pytest.mark.parametrize(
    ("template", "values"), [("/a", ["1"]), ("/{a}/{b}", ["1"]), ("/{a}", [""]), ("/{a}", [True]), ("/{a}", [None])]
)
def test_what_is_no_template_or_value_is_told(template: str, values: list[object]) -> None:
    with pytest.raises(ValueError, match=r"place in braces|a value is a text"):
        expanded(template, values)


@given(st.permutations(range(12)), st.integers(0, 12))
def test_progress_in_any_order_survives_being_kept(order: list[int], done: int) -> None:
    job = a_job(12)
    for at in order[:done]:
        job.settle(at)
    kept = read_job(pack_job(job))
    assert kept == job
    assert kept is not None
    assert {at for at in range(12) if not kept.pending(at)} == set(order[:done])
    assert all(at > kept.next for at in kept.ahead)


def test_failures_are_told_up_to_a_number_and_counted_beyond() -> None:
    job = a_job(1000)
    for number in range(MOST_FAILURES + 5):
        job.fail(f"/{number}" + "x" * 10_000, "y" * 10_000)
    assert (job.failed, len(job.failures)) == (MOST_FAILURES + 5, MOST_FAILURES)
    assert len(pack_job(job)) < 100_000


def test_the_time_left_comes_from_what_urls_took_and_how_many_run_at_once() -> None:
    job = a_job(total=100, parallel=4)
    assert job.eta is None
    for _ in range(20):
        job.fetched += 1
        job.took(30.0)
    assert job.eta == pytest.approx(80 * 30 / 4)
    for _ in range(40):
        job.fresh += 1
        job.took(0.0)
    assert job.eta is not None
    assert job.eta < 40 * 30 / 4
    job.state = WarmState.DONE
    assert job.eta == 0


@given(st.binary(max_size=200))
def test_nonsense_is_no_job_and_no_list(data: bytes) -> None:
    assert read_job(data) is None
    assert isinstance(read_urls(data), list)


def test_a_list_of_another_version_or_cut_short_is_none() -> None:
    urls = [f"/{number}" for number in range(1000)]
    assert read_urls(pack_urls(urls)) == urls
    assert read_urls(pack_urls(urls)[:-20]) == []
    assert read_job(pack_job(a_job()).replace(b'"by"', b'"of"')) is None
