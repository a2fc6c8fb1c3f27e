"""Each way an answer comes about: what the counters, X-Cache and Cache-Status say of it."""

import pytest

from proxy.policy import dispositions
from proxy.policy.disposition import Disposition, ForwardReason, NotStoredReason, Result, StaleReason

MISS, STALE = ForwardReason.URI_MISS, ForwardReason.STALE


@pytest.mark.parametrize(
    ("disposition", "result", "word"),
    [
        pytest.param(dispositions.hit(1), Result.HIT, "HIT", id="fresh"),
        pytest.param(dispositions.hit(0), Result.HIT, "HIT", id="fresh to the end"),
        pytest.param(dispositions.hit(-1), Result.HIT, "STALE", id="5.2.1.2 as stale as its client takes it"),
        pytest.param(dispositions.negative_hit(1), Result.HIT, "NEGATIVE", id="negative"),
        pytest.param(dispositions.revalidating(0, is_running=False), Result.STALE_REVALIDATE, "STALE", id="stale"),
        pytest.param(dispositions.revalidating(0, is_running=True), Result.STALE_REVALIDATE, "UPDATING", id="updating"),
        pytest.param(dispositions.stood_in(0, StaleReason.SHED), Result.STALE_ERROR, "STALE", id="stood in"),
        pytest.param(dispositions.stood_in(0, StaleReason.ARCHIVE), Result.ARCHIVE, "ARCHIVE", id="archive"),
        pytest.param(dispositions.fetched(MISS, 200, None), Result.MISS, "MISS", id="miss"),
        pytest.param(dispositions.fetched(STALE, 200, None), Result.EXPIRED, "EXPIRED", id="expired"),
        pytest.param(dispositions.fetched(MISS, 200, NotStoredReason.PRIVATE), Result.BYPASS, "BYPASS", id="not kept"),
        pytest.param(dispositions.revalidated(STALE, stored=False), Result.REVALIDATED, "REVALIDATED", id="304"),
        pytest.param(dispositions.collapsed(MISS), Result.COALESCED, "COALESCED", id="joined"),
        pytest.param(dispositions.bypassed(NotStoredReason.COOKIE), Result.BYPASS, "BYPASS", id="bypass"),
        pytest.param(dispositions.passed(), Result.PASS, "BYPASS", id="unsafe"),
        pytest.param(dispositions.head_miss(MISS), Result.MISS, "MISS", id="HEAD"),
        pytest.param(dispositions.relayed_error(MISS, 503, NotStoredReason.STATUS), Result.MISS, "MISS", id="error"),
        pytest.param(
            dispositions.relayed_error(STALE, 503, NotStoredReason.STATUS), Result.MISS, "EXPIRED", id="error, expired"
        ),
        pytest.param(dispositions.faulty(MISS, 200), Result.FAILURE, "MISS", id="verdict"),
        pytest.param(dispositions.unanswered(MISS, "timeout"), Result.ERROR, "MISS", id="no answer"),
    ],
)
def test_result_and_word(disposition: Disposition, result: Result, word: str) -> None:
    assert (disposition.result, disposition.x_cache) == (result, word)
    assert disposition.hit is (disposition.fwd is None)


def test_what_is_not_kept_is_not_called_stored() -> None:
    assert dispositions.fetched(MISS, 200, None).stored
    assert not dispositions.fetched(MISS, 200, NotStoredReason.PRIVATE).stored
    assert not dispositions.revalidated(STALE, stored=False).stored


def test_the_last_hop_was_neither_stored_nor_forwarded() -> None:
    last = dispositions.last_hop()
    assert (last.result, last.x_cache, last.hit, last.fwd, last.detail) == (
        Result.PASS,
        "BYPASS",
        False,
        None,
        "max-forwards",
    )
