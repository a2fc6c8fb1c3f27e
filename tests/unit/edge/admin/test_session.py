"""A session's cookie: made by the token alone, and over in time; and the code that changes need."""

import pytest

from proxy.edge.admin.session import LASTS, begun, csrf_code, is_good, is_ours


def test_it_is_good_until_its_end_with_this_token_alone() -> None:
    cookie = begun("s3cret", 1000.5)
    assert is_good("s3cret", cookie, 1000.5)
    assert is_good("s3cret", cookie, 1000 + LASTS - 1)
    assert not is_good("s3cret", cookie, 1000 + LASTS)
    assert not is_good("other", cookie, 1001)


@pytest.mark.parametrize(
    "cookie", [None, "", ".", "9999999999", "9999999999.", "9999999999.00", "x.y", "²³.a", "9" * 20 + ".a"]
)
def test_anything_else_is_none(cookie: str | None) -> None:
    assert not is_good("s3cret", cookie, 1000)


def test_its_end_cannot_be_moved() -> None:
    end, _, code = begun("s3cret", 1000).partition(".")
    assert not is_good("s3cret", f"{int(end) + 1}.{code}", 1000)


def test_the_code_is_this_sessions() -> None:
    one, other = begun("s3cret", 1000), begun("s3cret", 2000)
    assert is_ours("s3cret", one, csrf_code("s3cret", one))
    assert not is_ours("s3cret", one, csrf_code("s3cret", other))
    assert not is_ours("s3cret", one, None)
    assert not is_ours("s3cret", one, one.partition(".")[2]), "the cookie's own code is another"
