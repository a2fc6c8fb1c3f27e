"""Classification, on every kind of page the practice site can make and on pages it cannot."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scraper_backend.pages import Alert, Cut, Gone, Page, Seen, Sign, Silence, Unusable, classify, section_rucs
from scraper_backend.practice_site import crash, ficha, ficha_old, messages, render, subpages
from scraper_backend.practice_site.fixtures import FIXTURES
from scraper_backend.practice_site.taxpayers import Taxpayer

NOW = datetime(2026, 1, 2, 3, 4, tzinfo=UTC)
COMPANY = FIXTURES["20999999019"]
NOTHING = FIXTURES["20999999078"]
FICHA = ficha.ficha(COMPANY, NOW).text


def workers(one: Taxpayer) -> str:
    return subpages.workers(one, one.ruc, one.name, NOW).text


def representatives(one: Taxpayer) -> str:
    return subpages.representatives(one, one.ruc, one.name, NOW).text


OLD_SKIN = (
    '<HTML><HEAD><TITLE>P&aacute;gina de Errores</TITLE></HEAD><BODY><p class="bgn-neg-alert">x</p></BODY></HTML>'
)
LIST = (
    "<html><title>SUNAT - Consulta RUC</title><body><h2>Relación de contribuyentes</h2>"
    '<div class="list-group"><a class="list-group-item aRucs"><h4>RUC: 20999999019</h4><h4>X</h4></a></div>'
    "</body></html>"
)
NAMED_MAINTENANCE = FICHA.replace(COMPANY.name, "MANTENIMIENTO Y ACCESO DENEGADO S.A.C.")

CASES: dict[str, tuple[Seen, Sign]] = {
    "ficha": (Page(FICHA, 200), Sign.FICHA),
    "ficha, status unseen": (Page(FICHA), Sign.FICHA),
    "ficha of a firm with a notice's name": (Page(NAMED_MAINTENANCE), Sign.FICHA),
    "ficha read as another encoding": (
        Page(FICHA.encode("latin-1", "ignore").decode("utf-8", "replace")),
        Sign.FICHA,
    ),
    "half a ficha": (Page(FICHA[: len(FICHA) // 2]), Sign.TRUNCATED),
    "a ficha's beginning": (Page(FICHA[:700]), Sign.TRUNCATED),
    "nothing": (Page(""), Sign.TRUNCATED),
    "workers": (Page(workers(COMPANY)), Sign.WORKERS),
    "no workers": (Page(workers(NOTHING)), Sign.WORKERS),
    "workers cut short": (Page(workers(COMPANY)[:-2500]), Sign.TRUNCATED),
    "representatives": (Page(representatives(COMPANY)), Sign.REPRESENTATIVES),
    "no representatives": (Page(representatives(NOTHING)), Sign.REPRESENTATIVES),
    "form": (Page(render.form_page().text), Sign.FORM),
    "unregistered": (Page(messages.unregistered("20000000001", NOW).text), Sign.NOT_REGISTERED),
    "nobody of that document": (
        Page(messages.nothing_found("El Sistema RUC NO REGISTRA un número de RUC para el DNI número 1.", NOW).text),
        Sign.NOT_REGISTERED,
    ),
    "message page": (Page(messages.message_page().text), Sign.SESSION_REFUSED),
    "error page": (Page(messages.error_page().text), Sign.SERVER_FAULT),
    "error page in the old skin": (Page(OLD_SKIN), Sign.SERVER_FAULT),
    "firewall": (Page(messages.request_rejected(42).text, 200), Sign.REJECTED),
    "maintenance": (Page(messages.maintenance().text), Sign.MAINTENANCE),
    "access denied": (Page("<html><body>Acceso denegado</body></html>"), Sign.REFUSED),
    "too many": (Page("<html><body>Demasiadas solicitudes.</body></html>"), Sign.REFUSED),
    "challenge": (Page(messages.challenge().text), Sign.CHALLENGE),
    "401": (Page(messages.status_page(401).text, 401), Sign.SESSION_REFUSED),
    "403": (Page(messages.status_page(403).text, 403), Sign.REFUSED),
    "429": (Page("", 429), Sign.REFUSED),
    "500": (Page("", 500), Sign.SERVER_FAULT),
    "503": (Page("", 503), Sign.SERVER_FAULT),
    "418": (Page("", 418), Sign.CHANGED),
    "old layout": (Page(ficha_old.old_ficha(COMPANY, NOW).text), Sign.CHANGED),
    "list of several": (Page(LIST), Sign.CHANGED),
    "a script that names things": (
        Page("<html><body><script>var t = 'en mantenimiento';</script>Hola</body></html>"),
        Sign.CHANGED,
    ),
    "a page that kills its renderer": (Page(crash.crashing("spin").text), Sign.CHANGED),
    "the number's alert": (Alert(messages.ALERT), Sign.INVALID_NUMBER),
    "another alert": (Alert("La Razón social no es válida"), Sign.CHANGED),
    "reset": (Cut("ERR_CONNECTION_RESET"), Sign.BLOCKED),
    "silence": (Silence(30), Sign.SILENT),
    "dead browser": (Gone("invalid session id"), Sign.BROWSER_GONE),
    "no button": (Unusable("no such element"), Sign.CHANGED),
}


@pytest.mark.parametrize("name", CASES)
def test_classify(name: str) -> None:
    seen, sign = CASES[name]
    assert classify(seen) is sign


def test_every_sign_is_met() -> None:
    assert {sign for _, sign in CASES.values()} == set(Sign)


@pytest.mark.parametrize("ruc", FIXTURES)
def test_every_fixture_is_known_for_what_it_is(ruc: str) -> None:
    one = FIXTURES[ruc]
    assert classify(Page(ficha.ficha(one, NOW).text)) is Sign.FICHA
    assert classify(Page(workers(one))) is Sign.WORKERS
    assert classify(Page(representatives(one))) is Sign.REPRESENTATIVES


@given(st.text(max_size=200), st.none() | st.integers(100, 599))
def test_never_raises(html: str, status: int | None) -> None:
    assert classify(Page(html, status)) in Sign


@given(st.integers(0, len(FICHA)))
def test_no_part_of_a_ficha_passes_for_another_answer(length: int) -> None:
    assert classify(Page(FICHA[:length])) in {Sign.FICHA, Sign.TRUNCATED}


def test_a_sub_page_says_whose_it_is() -> None:
    assert section_rucs(representatives(COMPANY)) == {COMPANY.ruc}
    assert section_rucs("<h3>REPRESENTANTES LEGALES DE 20999999027 - X</h3>") == {"20999999027"}
    assert section_rucs("<h1>Consulta RUC</h1>") == frozenset()
