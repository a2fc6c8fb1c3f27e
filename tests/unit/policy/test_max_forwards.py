"""RFC 9110 §7.6.2: Max-Forwards, and what the last recipient of TRACE and OPTIONS says."""

import pytest

from proxy.policy.max_forwards import hops_left, last_recipient, one_hop_less
from proxy.policy.messages import Fields, RequestHead


def asked(method: str, *values: str, version: str = "1.1") -> RequestHead:
    return RequestHead(method, "/a?b", Fields(("Max-Forwards", value) for value in values), version=version)


@pytest.mark.parametrize("method", ["TRACE", "OPTIONS"])
@pytest.mark.parametrize(
    ("values", "left"),
    [
        pytest.param(("0",), 0, id="7.6.2 none"),
        pytest.param(("1",), 1, id="7.6.2 one"),
        pytest.param(("00000000000000000010",), 10, id="7.6.2 leading zeros"),
        pytest.param(("999999999",), 999_999_999, id="7.6.2 many"),
        pytest.param(("1000000000",), 999_999_999, id="7.6.2 more than we count"),
        pytest.param(("9" * 8000,), 999_999_999, id="7.6.2 as long as a field can be"),
        pytest.param((), None, id="7.6.2 no limit"),
        *(
            pytest.param((text,), None, id=f"7.6.2 malformed {text!r}")
            for text in ("", "-1", "+1", "1.0", "0x0", "x", "0 0", "0, 0", "\xb2", " 0")
        ),
        pytest.param(("0", "0"), None, id="7.6.2 malformed: two lines"),
    ],
)
def test_the_limit_of_trace_and_options(method: str, values: tuple[str, ...], left: int | None) -> None:
    request = asked(method, *values)
    assert hops_left(request) == left
    assert (last_recipient(request) is not None) == (left == 0)
    passed_on = one_hop_less(request)
    assert passed_on.fields.all("max-forwards") == ((str(left - 1),) if left else values)


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "BREW", "trace"])
def test_other_methods_have_no_limit(method: str) -> None:
    request = asked(method, "0")
    assert (hops_left(request), last_recipient(request), one_hop_less(request)) == (None, None, request)


def test_options_is_told_what_passes_here() -> None:
    answer = last_recipient(asked("OPTIONS", "0"))
    assert answer is not None
    head, body = answer
    assert (head.status, body) == (204, b"")
    assert "TRACE" in (head.fields.joined("allow") or "")
    assert head.fields.joined("cache-control") == "no-store"


def test_trace_is_told_what_arrived_but_for_secrets() -> None:
    secrets = (
        *("Authorization", "Proxy-Authorization", "Cookie", "Cookie2", "X-API-Key", "apikey", "X-Auth-Token"),
        *("Private-Token", "X-Session-Id", "X-Amz-Signature", "X-Client-Secret", "X-Password"),
    )
    lines = [("Host", "x"), ("Max-Forwards", "0"), *((name, "hidden") for name in secrets), ("Via", "1.1 \xe9")]
    answer = last_recipient(RequestHead("TRACE", "/a?b=%20", Fields(lines), version="1.0"))
    assert answer is not None
    head, body = answer
    assert (head.status, head.fields.joined("content-type")) == (200, "message/http")
    assert body == b"TRACE /a?b=%20 HTTP/1.0\r\nHost: x\r\nMax-Forwards: 0\r\nVia: 1.1 \xe9\r\n\r\n"
