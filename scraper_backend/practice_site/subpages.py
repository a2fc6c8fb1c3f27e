"""The pages behind a ficha's buttons that scrapers read: workers and representatives, and the shell of all.

Must not decide who is shown; the other sub-pages are in subpages_more.py.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Final

from scraper_backend.practice_site import markup
from scraper_backend.practice_site.markup import Page, entities, hidden, text
from scraper_backend.practice_site.taxpayers import Taxpayer

DECLARED: Final = (
    "La información exhibida en esta consulta corresponde a lo declarado por el contribuyente ante la "
    "Administración Tributaria."
)


def sub_page(heading: str, ruc: str, name: str, body: str, now: datetime) -> Page:
    """The shell: heading, `body` in the result panel, Volver posting the query again, the e-mail form."""
    form = "".join(
        f"\t{hidden(field, value)}\n"
        for field, value in (
            ("accion", "consPorRuc"),
            ("actReturn", "1"),
            ("nroRuc", ruc),
            ("numRnd", ""),
            ("contexto", "ti-it"),
            ("modo", "1"),
        )
    )
    script = (
        "$(document).ready(function() {\n"
        "\t$('.btnNuevaConsulta').click(function() { document.selecXNroRuc.submit(); });\n"
        "});\n"
        "function paginacion(n) { document.formPaginacion.pagina.value = n; document.formPaginacion.submit(); }"
    )
    return Page(
        markup.head("SUNAT - Consulta RUC")
        + f'<body>\n<form name="selecXNroRuc" method="post" action="{markup.SERVICE}">\n{form}</form>\n'
        + markup.result_top(f"<h1>{heading} DE {ruc} - {text(name)}</h1>")
        + body
        + markup.result_bottom(now, script, markup.print_and_mail(ruc, name, "subPagina"))
    )


def grid(titles: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """A table of class `table`; cells have line ends and tabs around their text."""
    top = "".join(f"\t\t\t<th>{title}</th>\n" for title in titles)
    body = "".join(
        "\t\t<tr>\n"
        + "".join(f'\t\t\t<td align="center">\n\t\t\t\t{text(cell)}\n\t\t\t</td>\n' for cell in row)
        + "\t\t</tr>\n"
        for row in rows
    )
    return (
        '\t<div class="table-responsive">\n\t<table class="table">\n'
        f"\t\t<thead>\n\t\t<tr>\n{top}\t\t</tr>\n\t\t</thead>\n\t\t<tbody>\n{body}\t\t</tbody>\n"
        "\t</table>\n\t</div>\n"
    )


def panel(content: str) -> str:
    """The one item of a sub-page's panel."""
    return f'\t<div class="list-group">\n\t<div class="list-group-item">\n{content}\t</div>\n\t</div>\n'


def workers(one: Taxpayer | None, ruc: str, name: str, now: datetime) -> Page:
    """Months with the numbers of workers, pensioners and service providers, oldest first."""
    if one is None or not one.workers:
        body = "\t<h5>No existen declaraciones presentadas por el contribuyente consultado...</h5>\n"
    else:
        body = grid(
            ("Per&iacute;odo", "N&deg; de Trabajadores", "N° de Pensionistas", "N&deg; de Prestadores de Servicio"),
            ((row.period, row.workers, row.pensioners, row.providers) for row in one.workers),
        )
    return sub_page("CANTIDAD DE TRABAJADORES Y/O PRESTADORES DE SERVICIO", ruc, name, panel(body), now)


def representatives(one: Taxpayer | None, ruc: str, name: str, now: datetime) -> Page:
    """Who acts for the company."""
    if one is None or not one.representatives:
        body = "\t<h5>No se encontro información para representantes legales.</h5>\n"
    else:
        body = f"\t<p>{entities(DECLARED)}</p>\n" + grid(
            ("Documento", "Nro. Documento", "Nombre", "Cargo", "Fecha Desde"),
            ((row.document, row.number, row.name, row.post, row.since) for row in one.representatives),
        )
    return sub_page("REPRESENTANTES LEGALES", ruc, name, panel(body), now)
