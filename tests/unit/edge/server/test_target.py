"""Which request targets and hosts are valid, and what is made of them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.edge.server.target import Target, is_authority, read_host, read_target
from proxy.errors import ClientError


@pytest.mark.parametrize(
    ("method", "raw", "origin_form", "authority"),
    [
        pytest.param("GET", "/", "/", None, id="RFC 9112 3.2.1 origin-form"),
        pytest.param("GET", "/a/../b/./c", "/a/../b/./c", None, id="dot segments stay"),
        pytest.param("GET", "//a//b", "//a//b", None, id="empty segments stay"),
        pytest.param("GET", "/%2C%zz%", "/%2C%zz%", None, id="percents stay, good and bad"),
        pytest.param("GET", "/a?", "/a?", None, id="a bare ? stays"),
        pytest.param("GET", "/a?b?c=/d", "/a?b?c=/d", None, id="? and / in a query"),
        pytest.param("GET", '/a"<>^`{|}[]', '/a"<>^`{|}[]', None, id="what browsers do not escape"),
        pytest.param("GET", "/http://x/", "/http://x/", None, id="a URL as a path"),
        pytest.param("OPTIONS", "*", "*", None, id="RFC 9112 3.2.4 asterisk-form"),
        pytest.param("GET", "http://h/x?y", "/x?y", "h", id="RFC 9112 3.2.2 absolute-form"),
        pytest.param("GET", "HTTPS://h:8/x", "/x", "h:8", id="scheme in any case"),
        pytest.param("GET", "http://h", "/", "h", id="RFC 9112 3.2.1 an empty path is /"),
        pytest.param("GET", "http://h?q", "/?q", "h", id="an empty path before a query"),
        pytest.param("OPTIONS", "http://h", "*", "h", id="RFC 9112 3.2.4 OPTIONS for the server"),
        pytest.param("OPTIONS", "http://h/", "/", "h", id="OPTIONS for the root"),
    ],
)
def test_targets(method: str, raw: str, origin_form: str, authority: str | None) -> None:
    assert read_target(method, raw) == Target(origin_form, authority)


@pytest.mark.parametrize(
    ("method", "raw"),
    [
        pytest.param("GET", "/a#b", id="a fragment is never sent"),
        pytest.param("GET", "/a\\b", id="a backslash is no URI character"),
        pytest.param("GET", "/a b", id="blank"),
        pytest.param("GET", "/a\tb", id="tab"),
        pytest.param("GET", "/a\x00b", id="NUL"),
        pytest.param("GET", "/a\x7f", id="DEL"),
        pytest.param("GET", "", id="nothing"),
        pytest.param("GET", "a", id="a relative path"),
        pytest.param("GET", "?a", id="a query alone"),
        pytest.param("GET", "*", id="RFC 9112 3.2.4 only OPTIONS"),
        pytest.param("GET", "ftp://h/", id="another scheme"),
        pytest.param("GET", "http:///a", id="RFC 9110 4.2.1 no host"),
        pytest.param("GET", "http://u@h/", id="RFC 9110 4.2.4 userinfo"),
        pytest.param("GET", "http://h:99999/", id="a port that is none"),
        pytest.param("GET", "http:/a", id="no authority"),
        pytest.param("GET", "h:80", id="authority-form"),
    ],
)
def test_targets_that_are_none(method: str, raw: str) -> None:
    with pytest.raises(ClientError) as caught:
        read_target(method, raw)
    assert caught.value.status == 400


@pytest.mark.parametrize(
    ("text", "valid"),
    [
        ("example.org", True),
        ("EXAMPLE.org:8080", True),
        ("localhost:", True),
        ("a_b.c", True),
        ("127.0.0.1:80", True),
        ("[::1]", True),
        ("[2001:db8::1]:443", True),
        ("[v1.fe:d]", True),
        ("a%20b", True),
        ("", False),
        (":80", False),
        ("a b", False),
        ("a,b", False),
        ("a/b", False),
        ("a@b", False),
        ("a\\b", False),
        ("a?b", False),
        ("a#b", False),
        ("a%zz", False),
        ("a%2", False),
        ("a:b", False),
        ("a:80:80", False),
        ("a:-1", False),
        ("a:65536", False),
        ("a:000080", False),
        ("[::1", False),
        ("::1", False),
        ("[::1]x", False),
        ("[::1%eth0]", False),
        ("[1.2.3.4]", False),
        ("[]", False),
        ("\xe9", False),
        ("a\n", False),
        ("a\x00", False),
        ('"a"', False),
        ("<a>", False),
        ("a:٣", False),
    ],
)
def test_hosts(text: str, valid: bool) -> None:
    assert is_authority(text) is valid


def test_host_is_needed_once() -> None:
    assert read_host(("h",), required=True) == "h"
    assert read_host((), required=False) == ""
    for values in ((), ("h", "h"), ("",)):
        with pytest.raises(ClientError) as caught:
            read_host(values, required=True)
        assert caught.value.status == 400


@given(st.sampled_from(["GET", "OPTIONS"]), st.text(max_size=40))
def test_reading_is_total_and_leaves_every_byte(method: str, raw: str) -> None:
    """Whatever comes, there is a target or a 400; and a path is what came, or the end of it."""
    try:
        target = read_target(method, raw)
    except ClientError:
        return
    assert raw.endswith(target.origin_form.removeprefix("/")) or target.origin_form == "*"
    assert target.authority is None or is_authority(target.authority)
