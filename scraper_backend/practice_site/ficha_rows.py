"""The sixteen rows of a ficha and the shapes of their values. Must not know the page around them."""

from typing import Final

from scraper_backend.practice_site.markup import BLANK, entities, text
from scraper_backend.practice_site.taxpayers import Activity, Address, Taxpayer

PADDING: Final = 130  # width of department and of province in the address, in characters
MOVE_NOTE: Final = (
    "Deberá declarar el nuevo domicilio fiscal o confirmar el señalado en el RUC. Para ello, deberá acercarse a los "
    "Centros de Servicios al Contribuyente con los documentos que sustenten el nuevo domicilio."
)


def rows(one: Taxpayer) -> str:
    """All items of the list, in the page's order."""
    return "".join(
        (
            item("Número de RUC:", heading(f"{one.ruc} - {one.name}")),
            item("Tipo Contribuyente:", paragraph(one.kind)),
            document_row(one),
            item("Nombre Comercial:", trade_name(one)),
            profession_row(one),
            pair(
                ("Fecha de Inscripci&oacute;n:", paragraph(one.enrolled)),
                ("Fecha de Inicio de Actividades:", paragraph(one.started)),
            ),
            item("Estado del Contribuyente:", state(one), mood(good=one.state == "ACTIVO")),
            item("Condici&oacute;n del Contribuyente:", condition(one), mood(good=one.condition == "HABIDO")),
            item("Domicilio Fiscal:", f'<p class="list-group-item-text">{address(one.address)}</p>'),
            pair(
                ("Sistema Emisi&oacute;n de Comprobante:", paragraph(one.emission)),
                ("Actividad Comercio Exterior:", paragraph(one.foreign_trade)),
            ),
            item("Sistema Contabilidad:", paragraph(one.accounting)),
            item("Actividad(es) Econ&oacute;mica(s):", activities(one.activities)),
            item(
                "Comprobantes de Pago c/aut. de impresi&oacute;n (F. 806 u 816):",
                table(one.printed_vouchers or ("NINGUNO",)),
            ),
            item(
                "Sistema de Emisi&oacute;n Electr&oacute;nica:",
                table(one.electronic_systems) if one.electronic_systems else "-",
            ),
            item("Emisor electrónico desde:", paragraph(one.electronic_since)),
            item("Comprobantes Electr&oacute;nicos:", paragraph(one.electronic_vouchers)),
            item("Afiliado al PLE desde:", paragraph(one.ple_since)),
            item(
                "Padrones:",
                table(one.padrones or ("NINGUNO",), "<!-- JRR - 20/09/2010 - Se añade cambio de padrones -->"),
            ),
        )
    )


def item(label: str, value: str, extra_class: str = "") -> str:
    """One row of one label and one value."""
    return f"""
\t\t\t\t<div class="list-group-item{extra_class}">
\t\t\t\t\t<div class="row">
\t\t\t\t\t\t<div class="col-sm-5">
\t\t\t\t\t\t\t<h4 class="list-group-item-heading">{label}</h4>
\t\t\t\t\t\t</div>
\t\t\t\t\t\t<div class="col-sm-7">
\t\t\t\t\t\t\t{value}
\t\t\t\t\t\t</div>
\t\t\t\t\t</div>
\t\t\t\t</div>
{BLANK}"""


def pair(*cells: tuple[str, str]) -> str:
    """One row of two labels and two values in four columns."""
    columns = "".join(
        f"""
\t\t\t\t\t\t<div class="col-sm-3">
\t\t\t\t\t\t\t<h4 class="list-group-item-heading">{label}</h4>
\t\t\t\t\t\t</div>
\t\t\t\t\t\t<div class="col-sm-3">
\t\t\t\t\t\t\t{value}
\t\t\t\t\t\t</div>"""
        for label, value in cells
    )
    return f"""
\t\t\t\t<div class="list-group-item">
\t\t\t\t\t<div class="row">{columns}
\t\t\t\t\t</div>
\t\t\t\t</div>
{BLANK}"""


def mood(*, good: bool) -> str:
    """The colour class of rows 5 and 6, each by its own value."""
    return " list-group-item-success" if good else " list-group-item-danger"


def heading(value: str) -> str:
    """The value of row 1 is a second heading."""
    return f'<h4 class="list-group-item-heading">{text(value)}</h4>'


def paragraph(value: str) -> str:
    """The usual value."""
    return f'<p class="list-group-item-text">{text(value)}</p>'


def table(lines: tuple[str, ...], comment: str = "") -> str:
    """A value of several lines, one cell each."""
    body = "".join(
        f"""
\t\t\t\t\t\t\t\t<tr>
\t\t\t\t\t\t\t\t\t<td>{text(line)}</td>
\t\t\t\t\t\t\t\t</tr>
"""
        for line in lines
    )
    return f"""<table class="table tblResultado">
\t\t\t\t\t\t\t<tbody>
\t\t\t\t\t\t\t{comment}{body}
\t\t\t\t\t\t\t</tbody>
\t\t\t\t\t\t\t</table>"""


def document_row(one: Taxpayer) -> str:
    """Row 2b, of natural persons only: number and name on two lines, a blank before the comma of the name kept."""
    if one.document is None:
        return ""
    number = f"{one.document.kind}  {one.document.number} "
    value = f'<p class="list-group-item-text">{number}\n\t\t\t\t\t\t\t\t\t - {text(one.document.name)}</p>'
    return item("Tipo de Documento:", value)


def trade_name(one: Taxpayer) -> str:
    """Row 3: the name with blanks behind it and, for small businesses, the simplified regime in the same column."""
    regime = ""
    if one.new_rus is not None:
        regime = f'\n\t\t\t\t\t\t\t<p class="list-group-item-text">Afecto al Nuevo RUS: {one.new_rus}</p>'
    return f'<p class="list-group-item-text">{text(one.trade_name)}\n{" " * 32}</p>{regime}'


def profession_row(one: Taxpayer) -> str:
    """A row that only some natural persons have."""
    return item("Profesión u Oficio:", paragraph(one.profession)) if one.profession else ""


def state(one: Taxpayer) -> str:
    """Row 5: the state, blank lines, and the date of leaving after a stray closing tag."""
    left = f"\n\t\t</br>Fecha de Baja:\n\t\t\t\t\t{one.left_on}" if one.left_on else ""
    return f'<p class="list-group-item-text">{text(one.state)}\n{BLANK}{left}\n{BLANK}</p>'


def condition(one: Taxpayer) -> str:
    """Row 6: the condition and, where the domicile was not found, the advice."""
    note = f" \n\t\t</br>{entities(MOVE_NOTE)}" if one.condition_note else ""
    return f'<p class="list-group-item-text">\n\t\t\t\t{text(one.condition)}{note}\n{BLANK}</p>'


def address(where: Address | None) -> str:
    """Row 7: street, then department and province padded to 130 characters, then the district."""
    if where is None:
        return "-"
    return (
        f"{text(where.street)}   {where.department:<{PADDING}} - {where.province:<{PADDING}} - {text(where.district)}"
    )


def activities(lines: tuple[Activity, ...]) -> str:
    """Row 10: rank padded to twelve characters, with the page's comment around the secondary ones."""
    printed = tuple(f"{line.rank:<12} - {line.code} - {line.description}" for line in lines)
    whole = table(printed)
    return whole.replace(
        "</tr>\n", "</tr>\n\t\t\t\t\t\t\t\t<!-- SC003-2015 Inicio -->\n\t\t\t\t\t\t\t\t<!-- SC003-2015 Fin -->\n"
    )
