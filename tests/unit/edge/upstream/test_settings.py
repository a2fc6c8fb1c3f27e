"""Which URLs name an origin."""

import pytest

from proxy.edge.upstream.settings import Origin


@pytest.mark.parametrize(
    ("url", "origin", "authority"),
    [
        ("http://api.test", Origin("http", "api.test", 80), "api.test"),
        ("http://api.test/", Origin("http", "api.test", 80), "api.test"),
        ("https://api.test:443", Origin("https", "api.test", 443), "api.test"),
        ("https://API.test:8443/base/", Origin("https", "api.test", 8443, "/base"), "api.test:8443"),
        ("http://127.0.0.1:8000/a/b", Origin("http", "127.0.0.1", 8000, "/a/b"), "127.0.0.1:8000"),
        ("http://[::1]:8000", Origin("http", "::1", 8000), "[::1]:8000"),
        ("https://[::1]", Origin("https", "::1", 443), "[::1]"),
    ],
)
def test_url(url: str, origin: Origin, authority: str) -> None:
    assert Origin.from_url(url) == origin
    assert origin.authority == authority


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        ("", "http://"),
        ("api.test", "http://"),
        ("ftp://api.test", "http://"),
        ("http://", "no host"),
        ("http://:80", "no host"),
        ("http://a:b@api.test", "credentials"),
        ("http://api.test/?a", "query"),
        ("http://api.test/#a", "fragment"),
        ("http://api.test:0x50", "[Pp]ort"),
        ("http://api.test:99999", "[Pp]ort"),
        ("http://api test", "ASCII"),
        ("http://api.test/\r\nX: y", "ASCII"),
        ("http://ñ.test", "ASCII"),
    ],
)
def test_bad_url_says_why(url: str, problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        Origin.from_url(url)
