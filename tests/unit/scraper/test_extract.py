"""Extraction: every fixture against what the site knows, then the single rules as tables."""

from datetime import UTC, datetime

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scraper_backend import extract
from scraper_backend.models import Representante
from scraper_backend.practice_site import ficha, ficha_old, subpages
from scraper_backend.practice_site.fixtures import FIXTURES
from scraper_backend.text import letters
from tests.support.sunat import NOBODY, expected

NOW = datetime(2026, 1, 2, 3, 4, tzinfo=UTC)
FICHA = ficha.ficha(FIXTURES["20999999019"], NOW).text


@pytest.mark.parametrize("ruc", FIXTURES)
def test_every_fixture_is_read_from_its_pages(ruc: str) -> None:
    one = FIXTURES[ruc]
    read = extract.ficha(ficha.ficha(one, NOW).text)
    answer = msgspec.to_builtins(read.taxpayer)
    right = expected(one)
    for section in ("numeroTrabajadores", "prestadoresdeServicios", "representanteLegal"):
        assert answer.pop(section) in ("Sin datos", NOBODY)
        right.pop(section)
    assert answer == right
    assert read.workers_form is not None
    assert (read.representatives_form is not None) == ruc.startswith("20")


@pytest.mark.parametrize("ruc", FIXTURES)
def test_every_fixtures_sub_pages_are_read(ruc: str) -> None:
    one = FIXTURES[ruc]
    right = expected(one)
    numbers = extract.workers(subpages.workers(one, ruc, one.name, NOW).text) or ("Sin datos", "Sin datos")
    assert numbers == (right["numeroTrabajadores"], right["prestadoresdeServicios"])
    found = extract.representative(subpages.representatives(one, ruc, one.name, NOW).text)
    assert msgspec.to_builtins(found) == right["representanteLegal"]


def test_forms_are_posted_as_they_stand() -> None:
    read = extract.ficha(FICHA)
    assert read.representatives_form == (
        ("accion", "getRepLeg"),
        ("contexto", "ti-it"),
        ("modo", "1"),
        ("desRuc", "ALFARERIA DE PRUEBA EL CANTARO S.A.C."),
        ("nroRuc", "20999999019"),
    )


def test_rows_may_come_and_go() -> None:
    """No row is found by its position: a new first row, and rows in reverse order, change nothing."""
    start, end = FICHA.index("<!-- Inicio filas de datos -->"), FICHA.index('<!--\n\t<div class="list-group-item')
    items = FICHA[start:end].split('<div class="list-group-item')
    new = ' nueva"><div class="row"><div><h4>Nuevo:</h4></div><div><p>1</p></div></div></div>'
    turned = '<div class="list-group-item'.join(["", new, *reversed(items[1:])])
    page = FICHA[:start] + turned + FICHA[end:]
    assert extract.ficha(page).taxpayer == extract.ficha(FICHA).taxpayer


@pytest.mark.parametrize("label", ["Tipo Contribuyente:", "Domicilio Fiscal:", "Padrones:", "Número de RUC:"])
def test_a_missing_row_is_named(label: str) -> None:
    with pytest.raises(extract.LabelsMissing, match=letters(label)):
        extract.ficha(FICHA.replace(label, "Otra cosa:"))


def test_an_empty_value_counts_as_missing() -> None:
    with pytest.raises(extract.LabelsMissing, match="TIPOCONTRIBUYENTE"):
        extract.ficha(FICHA.replace("SOCIEDAD ANONIMA CERRADA", " "))


def test_the_old_layout_is_not_guessed_at() -> None:
    with pytest.raises(extract.LabelsMissing):
        extract.ficha(ficha_old.old_ficha(FIXTURES["20999999019"], NOW).text)


@pytest.mark.parametrize(
    ("text", "pair"),
    [
        ("20999999051 - INVERSIONES NORTE - SUR", ("20999999051", "INVERSIONES NORTE - SUR")),
        ("10999999013 - PEREZ - JUAN", ("10999999013", "PEREZ - JUAN")),
        ("\n 20999999019  -  A  B \t", ("20999999019", "A B")),
        ("20999999019", ("20999999019", "")),
    ],
)
def test_the_name_begins_after_the_first_dash(text: str, pair: tuple[str, str]) -> None:
    assert extract.number_and_name(text) == pair


@pytest.mark.parametrize(
    ("lines", "description"),
    [
        (["Principal - 8411 - ADMINISTRACIÓN PÚBLICA"], "ADMINISTRACIÓN PÚBLICA"),
        (["Principal - 5610 - RESTAURANTES - SERVICIO MÓVIL"], "RESTAURANTES - SERVICIO MÓVIL"),
        (["Secundaria 1 - 8690 - OTRAS", "Principal - 93098 - OTRAS ACTIVID."], "OTRAS ACTIVID."),
        (["Principal - CIIU 52322 - VTA. MIN."], "VTA. MIN."),
        (["SIN PARTES"], "SIN PARTES"),
        ([], "Sin datos"),
    ],
)
def test_the_main_activity_is_whole(lines: list[str], description: str) -> None:
    assert extract.main_activity(lines) == description


@pytest.mark.parametrize(
    ("line", "agent"),
    [
        ("Incorporado al Régimen de Agentes de Retención de IGV (R.S.037-2002) a partir del 01/06/2002", True),
        ("Incorporado al R\ufffdgimen de Agentes de Retenci\ufffdn de IGV", True),
        ("Excluido del Régimen de Agentes de Retención a partir del 01/06/2012", False),
        ("Incorporado al Régimen de Agentes de Percepción de venta interna", False),
        ("Excluido del Régimen de Agentes de Percepción", False),
        ("Incorporado al Régimen de Buenos Contribuyentes", False),
        ("NINGUNO", False),
    ],
)
def test_only_the_incorporated_are_retention_agents(line: str, agent: bool) -> None:
    assert extract.is_retention_agent([line]) is agent


@pytest.mark.parametrize(
    ("text", "first"),
    [
        ("ACTIVO\r\n\r\n   ", "ACTIVO"),
        ("BAJA DE OFICIO Fecha de Baja: 31/10/2016", "BAJA DE OFICIO"),
        ("BAJA DE OFICIO\n\nFecha de Baja:\n31/10/2016", "BAJA DE OFICIO"),
        ("ANULACION - ACTO ILICITO", "ANULACION - ACTO ILICITO"),
        ("NO HABIDO \nDeberá declarar el nuevo domicilio", "NO HABIDO"),
    ],
)
def test_the_first_line_of_a_state(text: str, first: str) -> None:
    assert extract.first_text(text) == first


@pytest.mark.parametrize(
    ("state", "active"),
    [
        ("ACTIVO", True),
        ("ACTIVO Fecha de Alta: 01/02/2020", True),
        ("ACTIVO - REINCORPORADO", True),
        ("ACTIVOS NO", False),
        ("INACTIVO", False),
        ("BAJA DE OFICIO", False),
        ("SUSPENSION TEMPORAL", False),
    ],
)
def test_more_text_beside_the_state_changes_nothing(state: str, active: bool) -> None:
    assert extract.ficha(FICHA.replace(">ACTIVO\n", f">{state}\n")).taxpayer.activo is active


@pytest.mark.parametrize(
    ("text", "name"),
    [("-\n   ", "-"), ("EL CÁNTARO\n  ", "EL CÁNTARO"), ("", "-"), ("BODEGA\nAfecto al Nuevo RUS: SI", "BODEGA")],
)
def test_trade_names(text: str, name: str) -> None:
    assert extract.trade_name(text) == name


def table(*rows: tuple[str, ...]) -> str:
    lines = ["<tr>" + "".join(f"<td>\r\n\t{cell}</td>" for cell in row) + "</tr>" for row in rows]
    return f"<table><tbody>{''.join(lines)}</tbody></table>"


REPRESENTATIVES = ("Documento", "Nro. Documento", "Nombre", "Cargo", "Fecha Desde")


def with_head(titles: tuple[str, ...], *rows: tuple[str, ...]) -> str:
    return table(*rows).replace("<tbody>", f"<thead><tr><th>{'</th><th>'.join(titles)}</th></tr></thead><tbody>")


@pytest.mark.parametrize(
    ("posts", "chosen"),
    [
        (["APODERADO", "GERENTE GENERAL", "DIRECTOR"], 1),
        (["APODERADO", "DIRECTOR"], 0),
        (["APODERADO", "DIRECTOR", "SOCIO", "GERENTE GENERAL"], 0),
        (["TITULAR-GERENTE"], 0),
    ],
)
def test_the_manager_comes_first_among_three(posts: list[str], chosen: int) -> None:
    rows = [("DNI", str(n), f"N{n}", post, "01/01/2020") for n, post in enumerate(posts)]
    assert extract.representative(with_head(REPRESENTATIVES, *rows)).nro_documento == str(chosen)


def test_columns_are_found_by_their_titles() -> None:
    page = with_head(("Cargo", "Fecha Desde", "Nombre", "Documento", "Nro. Documento"), ("SOCIO", "D", "N", "CE", "7"))
    assert extract.representative(page) == Representante(
        tipo_documento="CE", nro_documento="7", nombre="N", cargo="SOCIO", fecha_desde="D"
    )


def test_the_latest_month_counts_wherever_it_stands() -> None:
    titles = ("Per&iacute;odo", "N&deg; de Trabajadores", "N° de Pensionistas", "N&deg; de Prestadores de Servicio")
    page = with_head(titles, ("2025-12", "9", "0", "3"), ("2025-11", "8", "0", "2"))
    assert extract.workers(page) == ("9", "3")
    assert extract.workers("<h5>No existen declaraciones presentadas</h5>") is None


@given(st.text(max_size=300))
def test_nothing_else_is_raised(html: str) -> None:
    for read in (extract.workers, extract.representative):
        read(html)
    with pytest.raises(extract.LabelsMissing):
        extract.ficha(html)
