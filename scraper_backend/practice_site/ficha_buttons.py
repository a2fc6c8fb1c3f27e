"""The sub-page buttons of a ficha: one form each, submitted by script only. Must not know the sub-pages."""

from dataclasses import dataclass
from typing import Final

from scraper_backend.practice_site.markup import SERVICE, hidden
from scraper_backend.practice_site.ruc import is_company
from scraper_backend.practice_site.taxpayers import Taxpayer

COLUMNS: Final = 3


@dataclass(frozen=True, slots=True)
class Button:
    """One button: caption, class that the script looks for, name of its form, action that the form asks for."""

    caption: str
    css: str
    form: str
    action: str
    name_first: bool = False  # the order of nroRuc and desRuc differs from form to form
    stray_quote: bool = False  # one tag of the real page has a quote too many


ALWAYS: Final = (
    Button("Informaci&oacute;n Hist&oacute;rica", "btnInfHis", "forminfoHist", "getinfHis"),
    Button("Deuda Coactiva", "btnInfDeuCoa", "formInfoDeudaCoactiva", "getInfoDC", stray_quote=True),
    Button("Omisiones Tributarias", "btnInfOmiTri", "formInfoOmisionTributaria", "getInfoOT", name_first=True),
    Button("Cantidad de Trabajadores y/o Prestadores de Servicio", "btnInfNumTra", "formNumTrabajd", "getCantTrab"),
    Button("Actas Probatorias", "btnInfActPro", "formActPro", "getActPro", name_first=True),
    Button("Facturas Fisicas", "btnInfActCPF", "formActCPF", "getActCPF", name_first=True),
)
LOANS: Final = (
    Button("Reactiva Perú : Deuda en cobranza coactiva", "btnInfReaPer", "formActReaPeru", "getReactivaPeru"),
    Button(
        "Programa de garant&iacute;as COVID_19 : Deuda en cobranza coactiva",
        "btnInfCovid",
        "formCovid",
        "getPGarantiaCOVID19",
    ),
)
REPRESENTATIVES: Final = Button(
    "Representante(s) Legal(es)", "btnInfRepLeg", "formRepLeg", "getRepLeg", name_first=True
)
ANNEXES: Final = Button("Establecimiento(s) Anexo(s)", "btnInfLocAnex", "formLocAnex", "getLocAnex")


def in_columns(one: Taxpayer) -> tuple[Button, ...]:
    """The buttons that stand in rows of three."""
    return (
        *ALWAYS,
        *(LOANS if one.loan_programmes else ()),
        *((REPRESENTATIVES,) if is_company(one.ruc) else ()),
    )


def shown(one: Taxpayer) -> tuple[Button, ...]:
    """Every button this taxpayer's ficha has."""
    return (*in_columns(one), *((ANNEXES,) if one.annexes else ()))


def buttons(one: Taxpayer) -> str:
    """The item that holds all forms: rows of three columns, the annexes alone in a wide one."""
    standing = in_columns(one)
    lines = [standing[start : start + COLUMNS] for start in range(0, len(standing), COLUMNS)]
    blocks = [_line("".join(_form(button, one, "col-sm-4") for button in line)) for line in lines]
    if one.annexes:
        blocks.append(_line(_form(ANNEXES, one, "col-sm-12")))
    return '\t<div class="list-group-item hidden-print">\n' + "\t<br>\n".join(blocks) + "\t</div>\n"


def bindings(one: Taxpayer) -> str:
    """The inline script: every button class submits its form; Volver leaves for the search form."""
    clicks = "\n".join(
        f"\t$('.{button.css}').click(function() {{ document.{button.form}.submit(); }});" for button in shown(one)
    )
    return (
        "$(document).ready(function() {\n"
        f"{clicks}\n"
        "\t$('.btnNuevaConsulta').click(function() { window.location = $('#aNuevaConsulta').attr('href'); });\n"
        "});"
    )


def _line(columns: str) -> str:
    return f'\t\t<div class="row">\n{columns}\t\t</div>\n'


def _form(button: Button, one: Taxpayer, column: str) -> str:
    pair = [hidden("nroRuc", one.ruc), hidden("desRuc", one.name)]
    first, second = reversed(pair) if button.name_first else pair
    stray = '"' if button.stray_quote else ""
    return f"""\t\t\t<div class="{column}">
\t\t\t\t<form name="{button.form}" method="post" action="{SERVICE}">
\t\t\t\t\t{hidden("accion", button.action)}
\t\t\t\t\t{hidden("contexto", "ti-it", "contexto")}
\t\t\t\t\t{hidden("modo", "1", "modo")}
\t\t\t\t\t{first}
\t\t\t\t\t{second}
\t\t\t\t\t<button type="button" class="btn btn-primary btn-sm {button.css}"{stray}>{button.caption}</button>
\t\t\t\t</form>
\t\t\t</div>
"""
