"""The pages' bytes and structure, read with a parser as a visitor would."""

import re
from datetime import datetime

import pytest
from bs4 import BeautifulSoup, Comment, Tag

from scraper_backend.practice_site import asked, render
from scraper_backend.practice_site.fixtures import FIXTURES
from scraper_backend.practice_site.looks import Look
from scraper_backend.practice_site.world import LIMA

NOW = datetime(2026, 1, 5, 10, 30, tzinfo=LIMA)
PLAIN = Look()
LABELS = [
    "Número de RUC:",
    "Tipo Contribuyente:",
    "Nombre Comercial:",
    "Fecha de Inscripción:",
    "Fecha de Inicio de Actividades:",
    "Estado del Contribuyente:",
    "Condición del Contribuyente:",
    "Domicilio Fiscal:",
    "Sistema Emisión de Comprobante:",
    "Actividad Comercio Exterior:",
    "Sistema Contabilidad:",
    "Actividad(es) Económica(s):",
    "Comprobantes de Pago c/aut. de impresión (F. 806 u 816):",
    "Sistema de Emisión Electrónica:",
    "Emisor electrónico desde:",
    "Comprobantes Electrónicos:",
    "Afiliado al PLE desde:",
    "Padrones:",
]


def page(action: str, ruc: str, look: Look = PLAIN, **fields: str) -> str:
    """The text of the answer to a form post."""
    form = {"accion": action, "nroRuc": ruc, "contexto": "ti-it", "modo": "1", **fields}
    return render.answer(asked.read(form), look, NOW).text


def soup(text: str) -> BeautifulSoup:
    """The tree that an HTML5 parser builds."""
    return BeautifulSoup(text, "lxml")


def values(text: str) -> dict[str, Tag]:
    """Every label of a ficha with the column behind it."""
    found = {}
    for label in soup(text).select("div.list-group h4.list-group-item-heading"):
        column = label.parent.find_next_sibling("div") if label.parent else None
        if isinstance(column, Tag):
            found[label.get_text(strip=True)] = column
    return found


def squeezed(tag: Tag) -> str:
    """Its text as a browser shows it."""
    return " ".join(tag.get_text(" ").split())


def test_the_rows_of_a_company_in_their_order() -> None:
    assert list(values(page("consPorRuc", "20999999019"))) == LABELS


def test_a_person_has_the_document_row_and_no_representatives() -> None:
    text = page("consPorRuc", "10999999013")
    rows = values(text)
    assert list(rows) == [*LABELS[:2], "Tipo de Documento:", *LABELS[2:]]
    assert squeezed(rows["Tipo de Documento:"]) == "DNI 99999901 - FICTICIO - , ANA MARIA"
    assert squeezed(rows["Domicilio Fiscal:"]) == "-"
    assert soup(text).select(".btnInfRepLeg") == []
    assert len(soup(text).select(".btnInfNumTra")) == 1


def test_the_habits_of_the_bytes() -> None:
    sent = render.answer(
        asked.read({"accion": "consPorRuc", "nroRuc": "20999999035", "contexto": "ti-it", "modo": "1"}), PLAIN, NOW
    ).encoded("utf-8")
    text = sent.decode()
    assert sent.startswith(b"\r\n" * 5 + b"<!DOCTYPE html>\r\n")
    assert b"\n" not in sent.replace(b"\r\n", b"")
    assert 20_000 < len(sent) < 31_000
    assert "</br>Fecha de Baja:\r\n\t\t\t\t\t31/10/2016" in text
    assert 'btnInfDeuCoa"">' in text
    assert text.count('id="contexto"') > 5
    assert "se\u00f1" not in text
    assert "Se añade" in text
    assert "Condici&oacute;n" in text
    assert "Emisor electrónico" in text
    assert len(re.findall(r'name="formEnviar"', text)) == 1


def test_the_commented_out_item_and_the_stray_inputs() -> None:
    tree = soup(page("consPorRuc", "20999999019"))
    comments = [c for c in tree.find_all(string=lambda s: isinstance(s, Comment)) if "Razón Social:" in c]
    assert len(comments) == 1
    assert "Razón Social:" not in tree.get_text()
    stray = [i for i in tree.select("input[type=hidden]") if i.find_parent("form") is None]
    assert [(i["name"], i["value"]) for i in stray] == [
        ("accion", "20999999019"),
        ("razSoc", "ALFARERIA DE PRUEBA EL CANTARO S.A.C."),
    ]


def test_department_and_province_are_padded_to_130() -> None:
    raw = page("consPorRuc", "20999999027")
    where = re.search(r'<p class="list-group-item-text">(CAR\..*)</p>', raw)
    assert where is not None
    first, second, third = where[1].split(" - ")
    assert first[-130:].rstrip() == "MADRE DE DIOS"
    assert (len(second), second.rstrip(), third) == (130, "TAMBOPATA", "TAMBOPATA")


@pytest.mark.parametrize(
    ("ruc", "label", "shown"),
    [
        ("20999999035", "Estado del Contribuyente:", "BAJA DE OFICIO Fecha de Baja: 31/10/2016"),
        ("20999999035", "Condición del Contribuyente:", "HABIDO"),
        ("20999999035", "Sistema de Emisión Electrónica:", "-"),
        ("20999999043", "Estado del Contribuyente:", "SUSPENSION TEMPORAL"),
        ("20999999051", "Número de RUC:", "20999999051 - INVERSIONES NORTE - SUR & HERMANOS S.A.C."),
        ("20999999086", "Padrones:", "Excluido del Régimen de Agentes de Percepción de Venta Interna (R.S.058-2006) a "
                                     "partir del 01/02/2015"),
        ("10999999021", "Nombre Comercial:", "BODEGA LA ÑUSTA DE PRUEBA Afecto al Nuevo RUS: SI"),
        ("15999999015", "Tipo de Documento:", "CE 000999902 - SAMPLE DOE, JANE"),
        ("16999999011", "Profesión u Oficio:", "PROFESIÓN U OCUPACIÓN NO ESPECIFICADA"),
        ("17999999018", "Número de RUC:", "17999999018 - SUCESIÓN INDIVISA FICTICIO PRUEBA PEDRO"),
    ],
)  # fmt: skip
def test_what_a_variant_shows(ruc: str, label: str, shown: str) -> None:
    assert squeezed(values(page("consPorRuc", ruc))[label]) == shown


def test_not_found_at_home_asks_for_a_new_domicile() -> None:
    assert squeezed(values(page("consPorRuc", "20999999043"))["Condición del Contribuyente:"]).startswith(
        "NO HABIDO Deberá declarar el nuevo domicilio fiscal"
    )


def test_the_colours_of_state_and_condition_are_independent() -> None:
    items = soup(page("consPorRuc", "20999999035")).select(".list-group-item-danger, .list-group-item-success")
    assert [item["class"][-1] for item in items] == ["list-group-item-danger", "list-group-item-success"]


def test_a_public_body_lacks_the_loan_buttons_and_has_annexes() -> None:
    tree = soup(page("consPorRuc", "20999999060"))
    assert tree.select(".btnInfReaPer, .btnInfCovid") == []
    assert len(tree.select(".btnInfLocAnex")) == 1
    assert soup(page("consPorRuc", "20999999078")).select(".btnInfLocAnex") == []


def test_workers_are_listed_oldest_first() -> None:
    rows = soup(page("getCantTrab", "20999999094", desRuc="X")).select("table.table tbody tr")
    assert len(rows) == 12
    assert squeezed(rows[-1]) == "2025-08 NE NE NE"
    assert "No existen declaraciones presentadas" in page("getCantTrab", "20999999078", desRuc="X")


def test_representatives_and_their_absence() -> None:
    tree = soup(page("getRepLeg", "20999999019", desRuc="ALFARERIA & CO"))
    assert tree.h1 is not None
    assert tree.h1.get_text() == "REPRESENTANTES LEGALES DE 20999999019 - ALFARERIA & CO"
    assert [squeezed(row.select("td")[3]) for row in tree.select("table.table tbody tr")] == [
        "APODERADO",
        "GERENTE GENERAL",
        "DIRECTOR",
    ]
    nobody = page("getRepLeg", "20999999078", desRuc="X")
    assert "No se encontro información para representantes legales." in nobody
    assert "<tr>" not in nobody


@pytest.mark.parametrize(
    ("number", "rows", "says"),
    [("1", 30, "1 a 30 de 65"), ("3", 5, "61 a 65 de 65"), ("99", 5, "61 a 65 de 65"), ("x", 30, "1 a 30 de 65")],
)
def test_annexes_come_in_pages_of_thirty(number: str, rows: int, says: str) -> None:
    tree = soup(page("getLocAnex", "20999999060", desRuc="X", pagina=number))
    assert len(tree.select("table.table tbody tr")) == rows
    assert says in tree.get_text()
    assert len(tree.select("a[href^='javascript:paginacion']")) >= 2


@pytest.mark.parametrize("action", sorted(set(asked.ACTIONS) - {"consPorRuc", "consPorTipdoc", "consPorRazonSoc"}))
@pytest.mark.parametrize("ruc", [*FIXTURES, "20000000001"])
def test_every_sub_page_leads_back_to_the_query(action: str, ruc: str) -> None:
    tree = soup(page(action, ruc, desRuc="X"))
    assert tree.h1 is not None
    assert tree.h1.get_text().endswith(f" DE {ruc} - X")
    back = {i["name"]: i["value"] for i in tree.select("form[name=selecXNroRuc] input")}
    assert (back["accion"], back["nroRuc"], back["actReturn"]) == ("consPorRuc", ruc, "1")
    assert tree.select(".btnNuevaConsulta")
    assert tree.select("form[name=formEnviar]")


def test_nobody_has_this_number() -> None:
    tree = soup(page("consPorRuc", "20000000001"))
    strong = tree.select_one("div.panel-body strong")
    assert strong is not None
    assert strong.get_text() == (
        "El número de RUC 20000000001 consultado no es válido. Debe verificar el número y volver a ingresar."
    )
    assert tree.select(".list-group") == []


def test_a_number_is_never_markup() -> None:
    assert "<script>x" not in page("consPorRuc", "<script>x</scrip")
    assert "<script>x" not in page("getRepLeg", "20999999019", desRuc="<script>x")


def test_the_list_page_has_plain_newlines() -> None:
    found = render.answer(
        asked.read({"accion": "consPorRazonSoc", "razSoc": "prueba", "contexto": "ti-it", "modo": "1"}), PLAIN, NOW
    )
    assert b"\r" not in found.encoded("utf-8")
    links = soup(found.text).select("a.list-group-item.clearfix.aRucs")
    assert {str(link["data-ruc"]) for link in links} >= {"20999999019", "20999999108"}
    nothing = page("consPorTipdoc", "", nrodoc="00000000", tipdoc="1")
    assert "NO REGISTRA un número de RUC para el DNI n&uacute;mero 00000000 consultado." in nothing


def test_without_modo_the_old_tables_come_back() -> None:
    text = render.answer(
        asked.read({"accion": "consPorRuc", "nroRuc": "20999999019", "contexto": "ti-it"}), PLAIN, NOW
    ).text
    assert "list-group" not in text
    assert len(soup(text).select("td.bgn")) == len(soup(text).select("td.bg")) > 10


def test_what_the_service_does_not_know_is_an_error_page() -> None:
    for text in (page("inventado", "20999999019"), page("consPorRuc", "20999999019", contexto="")):
        assert "<HEAD><TITLE>.:: Pagina de Error ::.</TITLE></HEAD>" in text
