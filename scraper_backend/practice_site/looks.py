"""How a page looks when the site has changed: other words, classes, bytes. Must not choose what is shown."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Final

from scraper_backend.practice_site.fixtures_companies import COMPANY, RETENTION_AGENT
from scraper_backend.practice_site.markup import Page
from scraper_backend.practice_site.switches import Rule

RENAMED: Final = {
    "Tipo Contribuyente:": "Clase de Contribuyente:",
    "Estado del Contribuyente:": "Situaci&oacute;n en el Registro:",
    "Condici&oacute;n del Contribuyente:": "Ubicabilidad:",
    "Domicilio Fiscal:": "Direcci&oacute;n registrada:",
}
RENAMED_TOO: Final = {
    "Número de RUC:": "Registro N&deg;:",
    "Nombre Comercial:": "Marca:",
    "Fecha de Inscripci&oacute;n:": "Inscrito el:",
    "Fecha de Inicio de Actividades:": "Inici&oacute; el:",
    "Sistema Contabilidad:": "Libros:",
    "Actividad(es) Econ&oacute;mica(s):": "Giro:",
    "Padrones:": "Reg&iacute;menes:",
}


@dataclass(frozen=True, slots=True)
class Look:
    """Everything about a page's looks that a switch can change."""

    charset: str = "utf-8"
    header_charset: bool = False
    labels: str = ""
    renamed_group: bool = False
    contabilidiad: bool = False
    old_layout: bool = False
    shows: str | None = None  # another RUC in place of the one asked for; empty: the site picks one


def look_of(rules: Iterable[Rule]) -> Look:
    """The looks that all of `rules` together ask for."""
    look = Look()
    for rule in rules:
        match rule.switch:
            case "encoding":
                look = replace(look, charset=rule.text("bytes"), header_charset=bool(rule.parameters["header"]))
            case "labels-renamed":
                look = replace(look, labels=rule.text("which"))
            case "list-group-renamed":
                look = replace(look, renamed_group=True)
            case "contabilidiad":
                look = replace(look, contabilidiad=True)
            case "old-layout":
                look = replace(look, old_layout=True)
            case "wrong-ficha":
                look = replace(look, shows=rule.text("shows"))
            case _:
                pass
    return look


def shown_ruc(asked: str, look: Look) -> str:
    """The RUC whose data the page shows: the one asked for unless the look says another."""
    if look.shows is None:
        return asked
    return look.shows or (RETENTION_AGENT.ruc if asked != RETENTION_AGENT.ruc else COMPANY.ruc)


def dressed(page: Page, look: Look) -> Page:
    """`page` in the words and classes of `look`."""
    text = page.text
    if look.contabilidiad:
        text = text.replace("Sistema Contabilidad:", "Sistema Contabilidiad:")
    if look.labels:
        for old, new in (RENAMED | RENAMED_TOO if look.labels == "all" else RENAMED).items():
            text = text.replace(old, new)
    if look.renamed_group:
        text = text.replace("list-group", "grupo-datos")
    return replace(page, text=text)


def content_type(look: Look) -> str:
    """The header field; without a charset the reader is left to guess."""
    names = {"utf-8": "UTF-8", "latin-1": "ISO-8859-1"}
    return f"text/html;charset={names[look.charset]}" if look.header_charset else "text/html"
