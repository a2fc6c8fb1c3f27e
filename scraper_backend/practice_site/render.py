"""The right answer to what was asked, as a page. Must not know sessions, switches' chances or sockets."""

from collections.abc import Callable
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Final

from scraper_backend.practice_site import fixtures, messages, subpages, subpages_more
from scraper_backend.practice_site.asked import Asked
from scraper_backend.practice_site.ficha import ficha
from scraper_backend.practice_site.ficha_old import old_ficha
from scraper_backend.practice_site.list_page import LIMIT, list_page
from scraper_backend.practice_site.looks import Look, dressed, shown_ruc
from scraper_backend.practice_site.markup import Page, entities
from scraper_backend.practice_site.taxpayers import Taxpayer

STATIC: Final = Path(__file__).parent / "static"
SUB_PAGES: Final[dict[str, Callable[[Taxpayer | None, str, str, datetime], Page]]] = {
    "workers": subpages.workers,
    "representatives": subpages.representatives,
    "history": subpages_more.history,
    "debts": subpages_more.debts,
    "omissions": subpages_more.omissions,
    "acts": subpages_more.acts,
    "invoices": subpages_more.invoices,
    "reactiva": subpages_more.reactiva,
    "covid": subpages_more.covid,
}


def answer(asked: Asked, look: Look, now: datetime) -> Page:
    """The page that the service answers a well-formed request with."""
    if asked.step == "form":
        return form_page()
    if asked.step == "other" or not asked.complete:
        return messages.error_page()
    return dressed(_result(asked, look, now), look)


@cache
def form_page() -> Page:
    """The search form."""
    return Page((STATIC / "form.html").read_text(encoding="utf-8"))


def _result(asked: Asked, look: Look, now: datetime) -> Page:
    if asked.step == "list":
        return _list(asked, look, now)
    ruc = shown_ruc(asked.ruc, look)
    one = next(iter(shown(asked, look)), None)
    if asked.step in {"ficha", "volver"}:
        if one is None:
            return messages.unregistered(ruc, now)
        return ficha(one, now) if asked.modern and not look.old_layout else old_ficha(one, now)
    name = asked.fields.get("desRuc", "") if ruc == asked.ruc or one is None else one.name
    if asked.step == "annexes":
        number = asked.fields.get("pagina", "1")
        return subpages_more.annexes(one, ruc, name, now, int(number) if number.isdecimal() else 1)
    return SUB_PAGES[asked.step](one, ruc, name, now)


def shown(asked: Asked, look: Look) -> tuple[Taxpayer, ...]:
    """The taxpayers that the answer shows or lists: the visitor may go to their fichas without another token."""
    if asked.step != "list":
        one = fixtures.find(shown_ruc(asked.ruc, look))
        return (one,) if one else ()
    if asked.fields.get("accion") == "consPorTipdoc":
        return fixtures.find_by_document(asked.fields.get("tipdoc", "1"), asked.fields.get("nrodoc", ""))
    return fixtures.find_by_name(asked.fields.get("razSoc", ""))[: LIMIT + 1]


def _list(asked: Asked, look: Look, now: datetime) -> Page:
    found = shown(asked, look)
    if found:
        return list_page(found, sum(map(ord, found[0].name)) * 7919, now)
    if asked.fields.get("accion") == "consPorTipdoc":
        what = f"el DNI n&uacute;mero {entities(asked.fields.get('nrodoc', ''))}"
    else:
        what = f"el Nombre o Raz&oacute;n Social {entities(asked.fields.get('razSoc', ''))}"
    return messages.nothing_found(f"El Sistema RUC NO REGISTRA un número de RUC para {what} consultado.", now)
