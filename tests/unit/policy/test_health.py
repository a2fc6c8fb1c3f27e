"""RFC 9110 §10.2.3, RFC 5861 §4: which answers are an origin's failures, and how long it wants to be left alone."""

import pytest

from proxy.policy.field_values import format_http_date
from proxy.policy.health import is_failing, retry_after
from tests.support.builders import T0, a_response


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
def test_a_failing_origin(status: int) -> None:
    assert is_failing(a_response(status))


@pytest.mark.parametrize("status", [200, 304, 400, 404, 410, 501, 505])
def test_an_origin_that_is_well(status: int) -> None:
    assert not is_failing(a_response(status))


@pytest.mark.parametrize(
    ("status", "text", "seconds"),
    [
        pytest.param(503, "120", 120, id="delay-seconds"),
        pytest.param(429, "0", 0, id="none at all"),
        pytest.param(503, format_http_date(T0 + 90), 90, id="a date"),
        pytest.param(503, format_http_date(T0 - 90), 0, id="a date that is past"),
        pytest.param(503, "soon", None, id="neither"),
        pytest.param(503, "-5", None, id="not negative"),
        pytest.param(503, "1.5", None, id="whole seconds"),
        pytest.param(503, "²", None, id="ASCII digits"),
        pytest.param(503, "9" * 400, 2**31, id="bounded"),
        pytest.param(503, None, None, id="absent"),
        pytest.param(301, "120", None, id="of a redirect: not about its health"),
    ],
)
def test_how_long_it_wants_to_be_left_alone(status: int, text: str | None, seconds: float | None) -> None:
    head = a_response(status, {} if text is None else {"Retry-After": text})
    assert retry_after(head, T0) == seconds
