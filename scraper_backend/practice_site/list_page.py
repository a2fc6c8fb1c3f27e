"""The list of taxpayers that a search by document or name answers with. Must not search."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from scraper_backend.practice_site import markup
from scraper_backend.practice_site.markup import BLANK, Page, hidden, text
from scraper_backend.practice_site.taxpayers import Taxpayer

LIMIT: Final = 30


def list_page(found: Sequence[Taxpayer], number: int, now: datetime) -> Page:
    """At most thirty taxpayers, each a link that a script turns into a query; `number` is the hidden numRnd.

    This page alone has plain newlines.
    """
    fields = (
        ("accion", "consPorRuc"),
        ("actReturn", "1"),
        ("nroRuc", ""),
        ("numRnd", str(number)),
        ("contexto", "ti-it"),
        ("modo", "1"),
    )
    inputs = "".join(f"\t{hidden(field, value)}\n" for field, value in fields)
    items = "".join(_item(one) for one in found[:LIMIT])
    more = "Se encontraron más de 30 registros, refine la búsqueda.\n" if len(found) > LIMIT else ""
    script = (
        "$(document).ready(function() {\n"
        "\t$('.aRucs').click(function(event) {\n"
        "\t\tevent.preventDefault();\n"
        "\t\tdocument.selecXNroRuc.nroRuc.value = this.getAttribute('data-ruc');\n"
        "\t\tdocument.selecXNroRuc.submit();\n\t});\n"
        "\t$('.btnNuevaConsulta').click(function() { window.location = 'FrameCriterioBusquedaWeb.jsp'; });\n"
        "});"
    )
    return Page(
        markup.head("SUNAT - Consulta RUC")
        + f'<body>\n<form name="selecXNroRuc" method="post" action="{markup.SERVICE}">\n{inputs}</form>\n'
        + '<div class="container">\n\t<div class="row">\n\t<div class="col-md-10 col-md-offset-1">\n'
        + f'\t<h1>Consulta RUC</h1>\n\t<div class="text-center hidden-print">{markup.VOLVER}</div>\n'
        + '\t<div class="panel panel-primary">\n\t<div class="panel-heading">Relación de contribuyentes</div>\n'
        + f'\t<div class="list-group">\n{items}\t{more}\t</div>\n{markup.asked_at(now)}'
        + "\t</div>\n\t</div>\n\t</div>\n</div>\n"
        + '<script src="/a/js/libs/jquery/1.11.1/jquery.min.js"></script>\n'
        + f'<script type="text/javascript">\n{script}\n</script>\n</body>\n</html>\n',
        line_end="\n",
    )


def _item(one: Taxpayer) -> str:
    place = one.address.department if one.address else "-"
    mood = "text-success" if one.state == "ACTIVO" else "text-danger"
    return f"""\t\t<a href="#" class="list-group-item clearfix aRucs" data-ruc="{one.ruc}">
\t\t\t<h4 class="list-group-item-heading">RUC: {one.ruc}</h4>
\t\t\t<h4 class="list-group-item-heading">{text(one.name)}</h4>
\t\t\t<p class="list-group-item-text">Ubicaci&oacute;n: {place}</p>
\t\t\t<p class="list-group-item-text">Estado: <strong><span class="{mood}">{text(one.state)}</span></strong></p>
\t\t\t<span class="glyphicon glyphicon-chevron-right"></span>
\t\t</a>
{BLANK}"""
