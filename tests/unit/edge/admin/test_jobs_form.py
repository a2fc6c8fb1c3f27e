"""Orders of warm jobs as the admin API reads them: what is wrong is named, with what would be right."""

import json
from typing import Any

import pytest

from proxy.edge.admin.jobs_form import read_order
from proxy.errors import ClientError


def order(**form: Any) -> Any:
    return read_order(json.dumps({"urls": ["/a"], **form}).encode(), lambda url: url)


def refused(**form: Any) -> str:
    with pytest.raises(ClientError) as caught:
        order(**form)
    assert caught.value.status == 400
    return caught.value.problem


def test_fields_that_select_among_variants_are_taken() -> None:
    given = {"Accept-Language": "es", "accept-encoding": "gzip, br", "X-Tenant": "a\tb", "Accept": ""}
    assert order(headers=given).fields == tuple(given.items())
    assert order().fields == ()


@pytest.mark.parametrize(
    ("names", "why"),
    [
        (["Authorization", "Cookie"], "for everybody"),
        (["If-None-Match", "If-Modified-Since", "If-Match", "If-Unmodified-Since", "If-Range", "Range"], "the whole"),
        (["Connection", "Keep-Alive", "TE", "Trailer", "Transfer-Encoding", "UPGRADE"], "one connection"),
        (["Proxy-Authorization", "Proxy-Connection", "HTTP2-Settings"], "one connection"),
        (["Host", "Content-Length", "Expect", "Via"], "Tambo writes it"),
        (["Forwarded", "X-Forwarded-For", "X_Forwarded_Host", "X-Real-IP", "X-HTTP-Method-Override"], "for nobody"),
    ],
)
def test_a_field_that_is_not_for_a_list_is_refused_with_its_reason(names: list[str], why: str) -> None:
    for name in names:
        said = refused(headers={name: "x"})
        assert said.startswith(f"'headers': {name!r} cannot be given: ")
        assert why in said


@pytest.mark.parametrize(
    ("headers", "words"),
    [
        ({"Accept": "a", "accept": "b"}, "'accept' is given twice"),
        ({"A b": "x"}, "'A b' is no field's name"),
        ({"": "x"}, "'' is no field's name"),
        ({"Accept": "a\r\nCookie: b"}, "'Accept' must have a text without line breaks"),
        ({"Accept": " a"}, "outer blanks"),
        ({"Accept": "a "}, "outer blanks"),
        ({"Accept": 1}, "'Accept' must have a text"),
        ({"Accept": "\u20ac"}, "'Accept' must have a text"),
        ({f"X-{number}": "x" for number in range(21)}, "an object of 20 texts at most"),
        (["Accept: a"], "an object of 20 texts at most"),
    ],
)
def test_what_is_no_field_is_refused(headers: Any, words: str) -> None:
    assert words in refused(headers=headers)
