"""RFC 9111 §4.4: which requests invalidate."""

import pytest

from proxy.policy.invalidation import invalidates
from tests.support.builders import a_request
from tests.support.policy import a_head


@pytest.mark.parametrize(
    ("method", "status", "expected"),
    [
        *(pytest.param(method, 200, True, id=f"4.4 {method}") for method in ("POST", "PUT", "DELETE", "PATCH", "BREW")),
        *(pytest.param(method, 200, False, id=f"4.4 {method}") for method in ("GET", "HEAD", "OPTIONS", "TRACE")),
        pytest.param("POST", 303, True, id="4.4 a redirect is a success"),
        pytest.param("POST", 404, False, id="4.4 an error is not"),
        pytest.param("POST", 500, False, id="4.4 nor is a failure"),
        pytest.param("POST", 101, False, id="4.4 nor a switch of protocols"),
    ],
)
def test_invalidates(method: str, status: int, *, expected: bool) -> None:
    assert invalidates(a_request(method=method), a_head(status=status)) is expected
