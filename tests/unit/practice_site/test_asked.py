"""What a posted form asks for."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scraper_backend.practice_site.asked import parse_form, read


@pytest.mark.parametrize(
    ("fields", "step"),
    [
        ({"accion": "consPorRuc"}, "ficha"),
        ({"accion": "consPorRuc", "actReturn": "1"}, "volver"),
        ({"accion": "consPorTipdoc"}, "list"),
        ({"accion": "getRepLeg", "actReturn": "1"}, "representatives"),
        ({"accion": "enviar"}, "other"),
        ({}, "other"),
    ],
)
def test_steps(fields: dict[str, str], step: str) -> None:
    assert read(fields).step == step


@pytest.mark.parametrize(
    ("token", "plausible"), [("a1" * 26, True), ("A1" * 26, True), ("a1" * 25, False), ("a-" * 26, False), ("", False)]
)
def test_a_plausible_token_is_52_base_36_digits(token: str, plausible: bool) -> None:
    assert read({"accion": "consPorRuc", "token": token}).token_is_plausible is plausible


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        (b"desRuc=MU%C3%91OZ+%26+CO&search2=", {"desRuc": "MUÑOZ & CO", "search2": ""}),
        (b"desRuc=MU%D1OZ", {"desRuc": "MUÑOZ"}),
        (b"&".join(b"a%d=1" % n for n in range(200)), {}),
        (b"", {}),
    ],
)
def test_forms_are_read_in_the_page_s_encoding(body: bytes, fields: dict[str, str]) -> None:
    assert parse_form(body) == fields


@given(st.binary(max_size=300))
def test_any_bytes_are_some_form(body: bytes) -> None:
    read(parse_form(body))
