"""The remaining sub-pages, from history to annexes. Must not decide who is shown."""

from collections.abc import Iterable
from datetime import datetime
from typing import Final

from scraper_backend.practice_site.markup import SERVICE, Page, hidden
from scraper_backend.practice_site.subpages import grid, panel, sub_page
from scraper_backend.practice_site.taxpayers import Taxpayer

ANNEXES_PER_PAGE: Final = 30
NO_HISTORY: Final = "No hay Información"


def history(one: Taxpayer | None, ruc: str, name: str, now: datetime) -> Page:
    """Three tables of what changed, each of which may be empty."""
    past = one.history if one else None
    body = (
        _maybe(("Nombre o Raz&oacute;n Social", "Fecha de Baja"), past.names if past else ())
        + _maybe(("Condici&oacute;n del Contribuyente", "Desde", "Hasta"), past.conditions if past else ())
        + _maybe(("Direcci&oacute;n del Domicilio Fiscal", "Fecha de Baja"), past.addresses if past else ())
    )
    return sub_page("INFORMACIÓN HISTÓRICA", ruc, name, panel(body), now)


def debts(one: Taxpayer | None, ruc: str, name: str, now: datetime) -> Page:
    """Debts under enforced collection; the struck-off have one here."""
    body = f"\t<h4>Deuda coactiva actualizada al {now:%d/%m/%Y}</h4>\n"
    if one and one.left_on:
        body += grid(
            ("Monto", "Periodo Tributario", "Fecha de inicio de cobranza", "Entidad"),
            (("1,234.00", "2015-11", "04/02/2016", "SUNAT"),),
        )
    else:
        body += "\t<h5>No se ha remitido deuda en cobranza coactiva...</h5>\n"
    return sub_page("DEUDA COACTIVA", ruc, name, panel(body), now)


def omissions(_one: Taxpayer | None, ruc: str, name: str, now: datetime) -> Page:
    """Omitted declarations: nobody has any here."""
    body = "\t<h5>El contribuyente no registra omisiones tributarias.</h5>\n"
    return sub_page("OMISIONES TRIBUTARIAS", ruc, name, panel(body), now)


def acts(_one: Taxpayer | None, ruc: str, name: str, now: datetime) -> Page:
    """Inspection records: an eight-column table with one cell that says there are none."""
    titles = ("N&uacute;mero", "Fecha", "Lugar", "Infracci&oacute;n", "Descripci&oacute;n", "RIAC", "Acta", "Estado")
    return sub_page("ACTAS PROBATORIAS", ruc, name, panel(grid(titles, (("No existe información",),))), now)


def invoices(_one: Taxpayer | None, ruc: str, name: str, now: datetime) -> Page:
    """Paper invoices: two six-column tables."""
    titles = ("N&deg; Orden", "Comprobante", "Serie", "Del", "Al", "Fecha")
    tables = grid(titles, (("No existe información",),)) * 2
    return sub_page("FACTURAS FISICAS", ruc, name, panel(tables), now)


def reactiva(_one: Taxpayer | None, ruc: str, name: str, now: datetime) -> Page:
    """Whether a debt exists that excludes from the loan programme."""
    return sub_page("REACTIVA PERÚ", ruc, name, panel(_no_debt("Reactiva Per&uacute;", now)), now)


def covid(_one: Taxpayer | None, ruc: str, name: str, now: datetime) -> Page:
    """The same for the guarantee programme."""
    return sub_page("PROGRAMA DE GARANTÍAS COVID_19", ruc, name, panel(_no_debt("COVID_19", now)), now)


def annexes(one: Taxpayer | None, ruc: str, name: str, now: datetime, number: int = 1) -> Page:
    """One page of thirty establishments; a number beyond the last page shows the last."""
    known = one.annexes if one else ()
    if not known:
        body = "\t<h5>No se encontró información para locales anexos.</h5>\n"
        return sub_page("ESTABLECIMIENTOS ANEXOS", ruc, name, panel(body), now)
    pages = -(-len(known) // ANNEXES_PER_PAGE)
    number = min(max(number, 1), pages)
    first = (number - 1) * ANNEXES_PER_PAGE
    part = known[first : first + ANNEXES_PER_PAGE]
    body = grid(
        ("C&oacute;digo", "Tipo de Establecimiento", "Direcci&oacute;n", "Actividad Econ&oacute;mica"),
        ((row.code, row.kind, row.address, row.activity) for row in part),
    )
    body += f"\t<p>{first + 1} a {first + len(part)} de {len(known)}</p>\n{_paging(number, pages)}"
    return sub_page("ESTABLECIMIENTOS ANEXOS", ruc, name, panel(body) + _paging_form(ruc, name), now)


def _maybe(titles: tuple[str, ...], rows: Iterable[Iterable[str]]) -> str:
    return grid(titles, tuple(rows) or ((NO_HISTORY,),))


def _no_debt(programme: str, now: datetime) -> str:
    return (
        f"\t<h3>{programme}: deuda en cobranza coactiva</h3>\n"
        '\t<span class="label label-success">NO</span>\n'
        f"\t<h5>La informaci&oacute;n est&aacute; actualizada al {now:%d/%m/%Y}</h5>\n"
    )


def _paging(number: int, pages: int) -> str:
    links = " ".join(
        f"<b>{n}</b>" if n == number else f'<a href="javascript:paginacion({n})">{n}</a>' for n in range(1, pages + 1)
    )
    further = f' <a href="javascript:paginacion({number + 1})">Siguiente</a>' if number < pages else ""
    return f"\t<p>P&aacute;ginas: {links}{further}</p>\n"


def _paging_form(ruc: str, name: str) -> str:
    fields = (
        ("accion", "getLocAnex"),
        ("contexto", "ti-it"),
        ("modo", "1"),
        ("nroRuc", ruc),
        ("desRuc", name),
        ("pagina", "1"),
    )
    inputs = "".join(f"\t{hidden(field, value)}\n" for field, value in fields)
    return f'\t<form name="formPaginacion" method="post" action="{SERVICE}">\n{inputs}\t</form>\n'
