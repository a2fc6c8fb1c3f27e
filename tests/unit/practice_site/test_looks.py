"""How switches change a page's looks."""

import pytest

from scraper_backend.practice_site.looks import Look, content_type, look_of
from scraper_backend.practice_site.switches import parse_switches

from .test_pages import page, values


def looks(*switches: dict[str, object]) -> Look:
    """The look of these switches together."""
    return look_of(parse_switches(list(switches)))


def test_labels_can_be_renamed() -> None:
    some = values(page("consPorRuc", "20999999019", looks({"switch": "labels-renamed"})))
    assert "Número de RUC:" in some
    assert "Estado del Contribuyente:" not in some
    assert "Número de RUC:" not in page(
        "consPorRuc", "20999999019", looks({"switch": "labels-renamed", "which": "all"})
    )


def test_the_class_can_be_renamed() -> None:
    text = page("consPorRuc", "20999999019", looks({"switch": "list-group-renamed"}))
    assert "list-group" not in text
    assert 'class="grupo-datos-item"' in text


def test_looks_add_up() -> None:
    look = looks({"switch": "contabilidiad"}, {"switch": "wrong-ficha", "shows": "20999999060"}, {"switch": "reset"})
    text = page("consPorRuc", "20999999019", look)
    assert "Sistema Contabilidiad:" in text
    assert "20999999060 - MUNICIPALIDAD" in text
    assert "20999999019" not in text


@pytest.mark.parametrize("ruc", ["20999999019", "20999999027"])
def test_a_wrong_ficha_is_always_somebody_else_s(ruc: str) -> None:
    look = looks({"switch": "wrong-ficha"})
    assert ruc not in page("consPorRuc", ruc, look)
    assert f" DE {ruc} " not in page("getRepLeg", ruc, look, desRuc="X")


def test_the_old_layout_can_be_forced() -> None:
    assert "list-group" not in page("consPorRuc", "20999999019", looks({"switch": "old-layout"}))


@pytest.mark.parametrize(
    ("switch", "charset", "field"),
    [
        ({}, "latin-1", "text/html"),
        ({"header": True}, "latin-1", "text/html;charset=ISO-8859-1"),
        ({"bytes": "utf-8", "header": True}, "utf-8", "text/html;charset=UTF-8"),
    ],
)
def test_encodings(switch: dict[str, object], charset: str, field: str) -> None:
    look = looks({"switch": "encoding", **switch})
    assert (look.charset, content_type(look)) == (charset, field)
