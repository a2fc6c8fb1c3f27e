"""Pages that are not results: unregistered numbers, errors, refusals, maintenance. Must not choose among them."""

from datetime import datetime
from typing import Final

from scraper_backend.practice_site import markup
from scraper_backend.practice_site.markup import Page, entities, text

QUERY_TROUBLE: Final = "Surgieron problemas al procesar la consulta por número de ruc"
WRONG_CODE: Final = "El codigo ingresado es incorrecto"
MAINTENANCE: Final = (
    "Estimado contribuyente: el sistema se encuentra en mantenimiento. Servicio no disponible, intente más tarde."
)
ALERT: Final = "Por favor, ingrese numero de RUC valido."
TRY_AGAIN: Final = (
    "Por favor intente nuevamente realizar la operación. Si el problema persiste, comunicarse con nuestra Central de "
    "Consultas."
)


def unregistered(ruc: str, now: datetime) -> Page:
    """What the site says of a number that nobody has, or whose check digit is wrong: status 200, no data rows."""
    sentence = (
        f"El n&uacute;mero de RUC {text(ruc)} consultado no es válido. Debe verificar el número y volver a ingresar."
    )
    return nothing_found(sentence, now)


def nothing_found(sentence: str, now: datetime) -> Page:
    """The result shell with one `sentence` (markup) where the data would be."""
    script = (
        "$(document).ready(function() {\n"
        "\t$('.btnNuevaConsulta').click(function() { window.location = $('#aNuevaConsulta').attr('href'); });\n"
        "});"
    )
    return Page(
        markup.head("SUNAT - Consulta RUC")
        + "<body>\n"
        + markup.result_top("<h1>Consulta RUC</h1>")
        + f'\t<div class="panel-body text-center">\n\t\t<strong>{sentence}</strong>\n\t</div>\n'
        + markup.result_bottom(now, script)
    )


def error_page(message: str = QUERY_TROUBLE) -> Page:
    """The framework's page for trouble on the server's side."""
    return _framework_page(".:: Pagina de Error ::.", message)


def message_page(message: str = WRONG_CODE) -> Page:
    """The framework's page for what the visitor could correct: a bad token, a lost session."""
    return _framework_page(".:: Pagina de Mensajes ::.", message)


def _framework_page(title: str, message: str) -> Page:
    return Page(
        f"""<HTML>
<HEAD><TITLE>{title}</TITLE></HEAD>
<BODY>
<div class="cuerpo">
\t<div class="msg">La aplicaci&oacute;n ha retornado el siguiente problema :</div>
\t<p class="error">{entities(message)}</p>
\t<hr>
\t<div class="msg2">Acci&oacute;n a realizar :</div>
\t<div class="soluc">{entities(TRY_AGAIN)}</div>
\t<div><input type="button" value="Regresar" onclick="history.back();"></div>
</div>
</BODY>
</HTML>
"""
    )


def request_rejected(support_id: int) -> Page:
    """The firewall's page: status 200 and about 245 bytes."""
    return Page(
        "<html><head><title>Request Rejected</title></head><body>The requested URL was rejected. Please consult with "
        f"your administrator.<br><br>Your support ID is: {support_id:019}<br><br>"
        "<a href='javascript:history.back();'>[Go Back]</a></body></html>"
    )


def maintenance(message: str = MAINTENANCE) -> Page:
    """A bare notice with status 200 in place of whatever was asked."""
    return Page(
        "<html>\n<head><title>SUNAT</title></head>\n"
        f'<body>\n<h2 align="center">{entities(message)}</h2>\n</body>\n</html>\n'
    )


def status_page(status: int) -> Page:
    """The server's own page for a status."""
    return Page(
        f"<HTML><HEAD><TITLE>Error {status}</TITLE></HEAD><BODY><H2>Error {status}</H2></BODY></HTML>\n", status=status
    )


def challenge() -> Page:
    """A browser check that never ends, shown to browsers that call themselves headless."""
    return Page(
        "<!DOCTYPE html>\n<html>\n<head><title>Verificando su navegador</title></head>\n<body>\n"
        "<noscript>Active JavaScript para continuar.</noscript>\n"
        '<p id="estado">Verificando su navegador antes de continuar...</p>\n'
        '<script>setInterval(function() { document.getElementById("estado").innerHTML += "."; }, 1000);</script>\n'
        "</body>\n</html>\n"
    )


def with_alert(message: str = ALERT) -> Page:
    """A page that opens a native alert as soon as it is loaded."""
    quoted = message.replace("\\", "\\\\").replace("'", "\\'").replace("<", "\\x3c").replace("\n", "\\n")
    return Page(
        "<!DOCTYPE html>\n<html>\n<head><title>Consulta RUC</title></head>\n<body>\n"
        f"<script>window.onload = function() {{ alert('{quoted}'); }};</script>\n</body>\n</html>\n"
    )
