"""The table layout of older days, which still comes back when `modo` is absent. Must not decide who is shown."""

from collections.abc import Iterable
from datetime import datetime

from scraper_backend.practice_site.ficha_rows import address
from scraper_backend.practice_site.markup import Page, text
from scraper_backend.practice_site.taxpayers import Taxpayer


def old_ficha(one: Taxpayer, now: datetime) -> Page:
    """Labels in `td.bgn`, values in `td.bg`, with the older spellings of the labels."""
    document = ""
    if one.document:
        document = f"{one.document.kind} {one.document.number} - {one.document.name}"
    left = f" Fecha de Baja: {one.left_on}" if one.left_on else ""
    cells = (
        ("N&uacute;mero de RUC:", text(f"{one.ruc} - {one.name}")),
        ("Tipo Contribuyente:", text(one.kind)),
        ("Tipo de Documento:", text(document)),
        ("Nombre Comercial:", text(one.trade_name)),
        ("Fecha de Inscripci&oacute;n:", one.enrolled),
        ("Fecha de Inicio de Actividades:", one.started),
        ("Estado del Contribuyente:", text(one.state + left)),
        ("Condici&oacute;n del Contribuyente:", text(one.condition)),
        ("Direcci&oacute;n del Domicilio Fiscal:", address(one.address)),
        ("Sistema de Emisi&oacute;n de Comprobante:", text(one.emission)),
        ("Actividad de Comercio Exterior:", text(one.foreign_trade)),
        ("Sistema de Contabilidad:", text(one.accounting)),
        ("Actividad(es) Econ&oacute;mica(s):", _select(a.description for a in one.activities)),
        ("Comprobantes de Pago c/aut. de impresi&oacute;n (F. 806 u 816):", _select(one.printed_vouchers)),
        ("Padrones :", _select(one.padrones or ("NINGUNO",))),
    )
    rows = "".join(
        f'<tr>\n\t<td width="18%" colspan=1 class="bgn">{label}</td>\n\t<td class="bg" colspan=3>{value}</td>\n</tr>\n'
        for label, value in cells
        if value
    )
    return Page(
        f"""

<html>
<head>
<title>Consulta RUC</title>
</head>
<body>
<table border="0" cellpadding="2" cellspacing="3" width="100%" class="form-table">
{rows}</table>
<p class="bg">Fecha consulta: {now:%d/%m/%Y %H:%M}</p>
</body>
</html>
"""
    )


def _select(lines: Iterable[str]) -> str:
    options = "".join(f'<option value="00">{text(line)}</option>' for line in lines)
    return f'<select name="select">{options}</select>'
