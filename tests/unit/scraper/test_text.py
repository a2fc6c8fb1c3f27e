"""Decoding and comparing, as tables and by property."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scraper_backend.text import alike, collapse, decode, first_line, fold, letters, mend, mentions

SPANISH = st.text("ABCÑÁÉÍÓÚÜabcñáéíóúü °ºª¿¡.,-0123456789\n")


@pytest.mark.parametrize("charset", [None, "utf-8", "iso-8859-1", "windows-1252", "no-such-charset"])
@given(text=SPANISH)
def test_utf_8_is_read_whatever_is_declared(charset: str | None, text: str) -> None:
    assert decode(text.encode("utf-8"), charset) == text


@pytest.mark.parametrize("charset", ["iso-8859-1", "windows-1252"])
@given(text=SPANISH)
def test_declared_latin_1_is_read(charset: str, text: str) -> None:
    assert decode(text.encode("latin-1"), charset) == text


@pytest.mark.parametrize("charset", [None, "utf-8"])
def test_latin_1_is_read_without_a_word_or_against_it(charset: str | None) -> None:
    assert decode("Número de RUC: PEÑA".encode("latin-1"), charset) == "Número de RUC: PEÑA"


@given(st.binary(), st.sampled_from([None, "utf-8", "latin-1", "ascii", "idna", "undefined"]))
def test_decoding_never_raises(body: bytes, charset: str | None) -> None:
    assert isinstance(decode(body, charset), str)


@given(SPANISH)
def test_mending_leaves_spanish_alone(text: str) -> None:
    assert mend(text) == text


def test_mending_repairs_both_kinds_of_misreading() -> None:
    assert mend("NÃºmero PEÃ\u2018A Ã\x91andÃº") == "Número PEÑA Ñandú"


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("ACTIVO", "ACTIVO"),
        ("\r\n\t\tNO HABIDO \r\n\t Deberá declarar", "NO HABIDO"),
        ("BAJA  DE\xa0OFICIO\nFecha de Baja:\n31/10/2016", "BAJA DE OFICIO"),
        (" \r\n\t", ""),
        ("", ""),
    ],
)
def test_first_line(text: str, line: str) -> None:
    assert first_line(text) == line


@pytest.mark.parametrize(
    ("label", "words"),
    [
        ("Número de RUC:", "NUMERODERUC"),
        ("Actividad(es) Económica(s):", "ACTIVIDADESECONOMICAS"),
        ("Comprobantes de Pago c/aut. de impresión (F. 806 u 816):", "COMPROBANTESDEPAGOCAUTDEIMPRESIONFU"),
    ],
)
def test_labels_fold_to_their_letters(label: str, words: str) -> None:
    assert letters(label) == words


def test_unreadable_letters_stand_for_any() -> None:
    assert alike(letters("N\ufffdmero de RUC:"), "NUMERODERUC")
    assert mentions(letters("Esta es la Actividad(es) Econ\ufffdmica(s)."), "ECONOMICA")
    assert not alike("NUMERODERUC\ufffd", "NUMERODERUC")
    assert not mentions("AB", "ABC")


@given(st.text())
def test_folding_is_stable(text: str) -> None:
    assert fold(fold(text)) == fold(text)
    assert collapse(collapse(text)) == collapse(text)
