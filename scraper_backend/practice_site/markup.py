"""Pieces of markup that several pages share, with the site's habits. Must not know any single page.

Pages are written with plain newlines; `Page.encoded` gives them the line ends and bytes that the site sends.
"""

import html
from dataclasses import dataclass
from datetime import datetime
from typing import Final

HOME: Final = "/cl-ti-itmrconsruc/FrameCriterioBusquedaWeb.jsp"
SERVICE: Final = "jcrS00Alias"
ENTITIES: Final = str.maketrans(
    {
        letter: f"&{name};"
        for letter, name in zip(
            "áéíóúñÁÉÍÓÚ",
            [
                "aacute",
                "eacute",
                "iacute",
                "oacute",
                "uacute",
                "ntilde",
                "Aacute",
                "Eacute",
                "Iacute",
                "Oacute",
                "Uacute",
            ],
            strict=True,
        )
    }
)
BLANK: Final = "\n" + (" " * 96 + "\t\t\n") * 4  # what a server-side template leaves behind


@dataclass(frozen=True, slots=True)
class Page:
    """A page before it becomes bytes: text with plain newlines, status, and which line ends to send."""

    text: str
    status: int = 200
    line_end: str = "\r\n"

    def encoded(self, charset: str) -> bytes:
        """The bytes to send; characters that `charset` lacks become numeric references."""
        return self.text.replace("\n", self.line_end).encode(charset, "xmlcharrefreplace")


def text(value: str) -> str:
    """`value` as element content: ampersands become entities, accented letters stay raw."""
    return html.escape(value, quote=False)


def attribute(value: str) -> str:
    """`value` inside a double-quoted attribute."""
    return html.escape(value, quote=True)


def entities(value: str) -> str:
    """`value` with its accented letters as named entities: the site mixes both spellings in one page."""
    return text(value).translate(ENTITIES)


def hidden(name: str, value: str, identifier: str = "") -> str:
    """One hidden input; ids repeat from form to form on the real page, so nobody checks them here."""
    with_id = f' id="{identifier}"' if identifier else ""
    return f'<input type="hidden"{with_id} name="{name}" value="{attribute(value)}">'


def asked_at(now: datetime) -> str:
    """The foot of a result panel."""
    return (
        f'\t<div class="panel-footer text-center">\n\t\t<small>Fecha consulta: {now:%d/%m/%Y %H:%M}</small>\n\t</div>\n'
    )


VOLVER: Final = '<button type="button" class="btn btn-danger btnNuevaConsulta">Volver</button>'

STYLE: Final = """<style type="text/css">
\th1 { font-size: 1.7em; }
\t.imgLogo { height: 40px; }
\t.tblResultado > tbody > tr:first-child > td { border-top: none; }
\t.panel-primary > .panel-heading .nav-tabs > li > a { color: #fff; }
</style>"""


def head(title: str) -> str:
    """Doctype to the end of head, after five empty lines."""
    return f"""




<!DOCTYPE html>
<html lang="es">
<head>
\t<meta charset="utf-8">
\t<meta http-equiv="X-UA-Compatible" content="IE=edge">
\t<meta name="viewport" content="width=device-width, initial-scale=1">
\t<title>{title}</title>
\t<link href="/a/js/libs/bootstrap/3.3.1/css/bootstrap.min.css" rel="stylesheet">
\t<!--[if lt IE 9]>
\t<script src="/a/js/libs/html5shiv/3.7.2/html5shiv.min.js"></script>
\t<script src="/a/js/libs/respond/1.4.2/respond.min.js"></script>
\t<![endif]-->
\t{STYLE}
</head>
"""


def result_top(heading: str) -> str:
    """From body to the opening of the result panel."""
    return f"""<div class="container">
\t<div id="divHeader" class="header hidden">
\t\t<img class="imgLogo" src="/a/imagenes/logo_2015.png" alt="SUNAT">
\t</div>
\t<div class="row">
\t<div class="col-md-12">
\t{heading}
\t<div class="divBotoneraArriba text-center hidden-print">
\t\t<a id="aNuevaConsulta" class="hidden" href="FrameCriterioBusquedaWeb.jsp">Nueva Consulta</a>
\t\t{VOLVER}
\t</div>
\t<br>
\t<div class="panel panel-primary">
\t<div class="panel-heading">Resultado de la Búsqueda</div>
"""


def result_bottom(now: datetime, script: str, below: str = "") -> str:
    """The foot of the panel, the second Volver, `below`, the footer and the scripts."""
    return f"""{asked_at(now)}
\t</div>
\t<div class="text-center divBotonera hidden-print">
\t\t{VOLVER}
\t</div>
\t<br>
{below}
\t</div>
\t</div>
</div>
<footer class="footer hidden-print">
\t<div class="container text-center">
\t\t<small>&copy; 1997 - {now:%Y} SUNAT Derechos Reservados</small>
\t</div>
</footer>
<script src="/a/js/libs/jquery/1.11.1/jquery.min.js"></script>
<script src="/a/js/libs/bootstrap/3.3.1/js/bootstrap.min.js"></script>
<script type="text/javascript">
{script}
</script>
<script src="/a/js/apps/workspace/ws.js"></script>
</body>
</html>
"""


def print_and_mail(ruc: str, name: str, page: str) -> str:
    """The last item: the print button and the e-mail form, which is named formEnviar on every page."""
    return f"""\t<div class="list-group-item hidden-print">
\t\t<div class="row">
\t\t<div class="col-sm-4">
\t\t\t<button type="button" class="btn btn-primary btn-sm" onclick="window.print();">Imprimir</button>
\t\t</div>
\t\t<div class="col-sm-8">
\t\t<form class="form-inline" name="formEnviar" method="post" action="{SERVICE}">
\t\t\t{hidden("nroRuc", ruc)}
\t\t\t{hidden("desRuc", name)}
\t\t\t{hidden("accion", "enviar")}
\t\t\t{hidden("pagina", page)}
\t\t\t{hidden("correo", "")}
\t\t\t<input type="email" name="email" class="form-control" placeholder="Ingresar Email" required>
\t\t\t<button type="submit" class="btn btn-primary btn-sm">e-mail</button>
\t\t</form>
\t\t</div>
\t\t</div>
\t</div>
"""
