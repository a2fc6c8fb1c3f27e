"""How what nothing stored can answer is asked for."""

import pytest

from proxy.exchange.ask import Ask
from proxy.exchange.missing import missing
from proxy.policy.cache_key import cache_key
from proxy.policy.disposition import ForwardReason, Shareable
from proxy.policy.messages import Fields, StoredResponse
from tests.support.builders import a_request, a_stored
from tests.support.policy import a_route, match_of

PART = a_stored(
    b"0123", status=206, etag='"v1"', etag_is_made=False, fields=Fields([("Content-Range", "bytes 0-3/10")])
)
VARIANT = a_stored(etag='"v2"', etag_is_made=False, secondary_key=(("x", "1"),))
MISS, VARY = ForwardReason.URI_MISS, ForwardReason.VARY_MISS


@pytest.mark.parametrize(
    ("lines", "reason", "candidates", "why", "sent"),
    [
        pytest.param({}, MISS, (), MISS, {}, id="the whole"),
        pytest.param({"Range": "bytes=0-1"}, MISS, (), MISS, {"Range": "bytes=0-1"}, id="9110-14.2 a part"),
        pytest.param(
            {}, MISS, (PART,), ForwardReason.PARTIAL, {"Range": "bytes=4-", "If-Range": '"v1"'}, id="9111-3.3 the rest"
        ),
        pytest.param(
            *({"Range": "bytes=2-6"}, MISS, (PART,), ForwardReason.PARTIAL, {"Range": "bytes=2-6"}),
            id="9111-3.3 another part",
        ),
        pytest.param({}, VARY, (VARIANT,), VARY, {"If-None-Match": '"v2"'}, id="9111-4.3.1 one of the variants"),
    ],
)
def test_what_is_asked(
    lines: dict[str, str],
    reason: ForwardReason,
    candidates: tuple[StoredResponse, ...],
    why: ForwardReason,
    sent: dict[str, str],
) -> None:
    request = a_request(lines=lines)
    match = match_of(request, a_route())
    ask = missing(Ask(request, match, cache_key(request, match), Shareable(), 0), reason, candidates)
    assert ask.why is why
    assert dict(ask.conditional.lines) == sent
    assert (ask.rest is not None) is ("If-Range" in sent)
    assert ask.is_alone is ("Range" in lines)
