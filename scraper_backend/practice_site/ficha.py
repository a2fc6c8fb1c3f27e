"""The result page ("ficha") of one taxpayer in the present list-group layout. Must not decide who is shown."""

from datetime import datetime

from scraper_backend.practice_site import markup
from scraper_backend.practice_site.ficha_buttons import bindings, buttons
from scraper_backend.practice_site.ficha_rows import rows
from scraper_backend.practice_site.markup import Page, hidden
from scraper_backend.practice_site.taxpayers import Taxpayer


def ficha(one: Taxpayer, now: datetime) -> Page:
    """The page of a registered taxpayer."""
    # the two inputs outside any form stray on the real page too
    below = (
        f"{buttons(one)}"
        f"\t{hidden('accion', one.ruc)}\n\t{hidden('razSoc', one.name)}\n"
        f"{markup.print_and_mail(one.ruc, one.name, 'datosRuc')}"
    )
    return Page(
        markup.head("SUNAT - Consulta RUC")
        + f"<body>\n{_back_form()}"
        + markup.result_top("<h1>Consulta RUC</h1>")
        + f'\t<div class="list-group">\n\t<!-- Inicio filas de datos -->\n{rows(one)}{_commented_out(one)}'
        + "\t</div>\n\t<!-- fin list-group -->\n"
        + markup.result_bottom(now, bindings(one), below)
    )


def _back_form() -> str:
    fields = (
        ("accion", "consPorRazonSoc"),
        ("razSoc", ""),
        ("contexto", "ti-it"),
        ("modo", "1"),
        ("tipdoc", "1"),
        ("rbtnTipo", "3"),
        ("search3", ""),
        ("numRnd", ""),
    )
    inputs = "".join(f"\t{hidden(name, value)}\n" for name, value in fields)
    return f'<form name="selecXNroRuc" method="post" action="{markup.SERVICE}">\n{inputs}</form>\n'


def _commented_out(one: Taxpayer) -> str:
    return f"""\t<!--
\t<div class="list-group-item">
\t\t<div class="row">
\t\t\t<div class="col-sm-5">
\t\t\t\t<h4 class="list-group-item-heading">Razón Social:</h4>
\t\t\t</div>
\t\t\t<div class="col-sm-7">
\t\t\t\t<p class="list-group-item-text">{markup.text(one.name)}</p>
\t\t\t</div>
\t\t</div>
\t</div>
\t-->
"""
