"""HTML of the site to the API's values. Pure; labels are matched by their words, never by their position.

The pages given to it have been classified before; what is missing is reported, not invented.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from selectolax.lexbor import LexborHTMLParser, LexborNode

from scraper_backend import ubigeo
from scraper_backend.models import NO_DATA, NO_UBIGEO, NONE_SHOWN, NOT_GIVEN, Contribuyente, Representante
from scraper_backend.pages import Fields, parse, text_of
from scraper_backend.text import alike, collapse, first_line, letters, mentions

REPRESENTATIVES_CONSIDERED: Final = 3
"""The API's rule: the first GERENTE among the first three rows, else the first row."""

_LABELS: Final = {
    "ruc": ("NUMERODERUC",),
    "tipo": ("TIPOCONTRIBUYENTE", "TIPODECONTRIBUYENTE"),
    "inicio": ("FECHADEINICIODEACTIVIDADES", "FECHAINICIODEACTIVIDADES"),
    "estado": ("ESTADODELCONTRIBUYENTE", "ESTADOCONTRIBUYENTE"),
    "condicion": ("CONDICIONDELCONTRIBUYENTE", "CONDICIONCONTRIBUYENTE"),
    "domicilio": ("DOMICILIOFISCAL", "DIRECCIONDELDOMICILIOFISCAL"),
    "actividad": ("ACTIVIDADESECONOMICAS", "ACTIVIDADECONOMICA"),
    "padrones": ("PADRONES", "PADRON"),
}
"""Rows that every ficha has, with the spellings seen, folded to their letters."""

_TRADE_NAME: Final = ("NOMBRECOMERCIAL",)
_ACTIVITY: Final = re.compile(r"\w+(?: \d+)? ?- ?(?:CIIU )?\d+ ?- ?(?P<description>.+)")
_NOTE: Final = re.compile(r"Fecha de Baja\b|Afecto al Nuevo RUS\b", re.IGNORECASE)


class LabelsMissing(Exception):
    """A page that looked like a ficha lacks rows it must have: the site has changed. Names them."""


@dataclass(frozen=True, slots=True)
class Ficha:
    """The result page, read: the number it is about, the answer so far, and the forms that lead to its sub-pages.

    A form is None where the page has no such button (natural persons have no representatives).
    """

    ruc: str
    taxpayer: Contribuyente
    workers_form: Fields | None
    representatives_form: Fields | None


def ficha(html: str) -> Ficha:
    """Read a result page. Raises LabelsMissing rather than answer with holes."""
    tree = parse(html)
    rows = _rows(tree)
    texts = {name: _value(rows, spellings) for name, spellings in _LABELS.items()}
    if missing := [_LABELS[name][0] for name, text in texts.items() if not collapse(text)]:
        raise LabelsMissing(", ".join(missing))
    number, name = number_and_name(texts["ruc"])
    street, department, province, district, code = _address(texts["domicilio"])
    taxpayer = Contribuyente(
        numero_documento=number,
        razon_social=name or NO_DATA,
        nombre_comercial=trade_name(_value(rows, _TRADE_NAME)),
        direccion=street,
        distrito=district,
        provincia=province,
        departamento=department,
        ubigeo=code,
        fecha_inicio_actividades=collapse(texts["inicio"]),
        activo=first_text(texts["estado"]).partition(" ")[0] == "ACTIVO",
        es_agente_retencion=is_retention_agent(_lines(rows, _LABELS["padrones"])),
        actividad_economica=main_activity(_lines(rows, _LABELS["actividad"])),
        tipo_contribuyente=collapse(texts["tipo"]),
        condicion_contribuyente=first_text(texts["condicion"]),
    )
    return Ficha(number, taxpayer, _form(tree, "btnInfNumTra"), _form(tree, "btnInfRepLeg"))


def workers(html: str) -> tuple[str, str] | None:
    """Return the latest month's numbers of workers and of service providers, as printed; None when none is declared."""
    table = _Table.headed(parse(html), "TRABAJADORES")
    if table is None or not table.rows:
        return None
    latest = max(table.rows, key=lambda row: table.cell(row, "PERIODO"))
    return table.cell(latest, "TRABAJADORES") or NO_DATA, table.cell(latest, "PRESTADORES") or NO_DATA


def representative(html: str) -> Representante:
    """Return the representative the API shows, all "Sin datos" when the page lists nobody."""
    table = _Table.headed(parse(html), "CARGO")
    if table is None or not table.rows:
        return Representante()
    considered = table.rows[:REPRESENTATIVES_CONSIDERED]
    chosen = next((row for row in considered if "GERENTE" in table.cell(row, "CARGO").upper()), considered[0])
    return Representante(
        tipo_documento=table.cell(chosen, "DOCUMENTO") or NO_DATA,
        nro_documento=table.cell(chosen, "NRODOCUMENTO") or NO_DATA,
        nombre=table.cell(chosen, "NOMBRE") or NO_DATA,
        cargo=table.cell(chosen, "CARGO") or NO_DATA,
        fecha_desde=table.cell(chosen, "FECHADESDE") or NO_DATA,
    )


def number_and_name(text: str) -> tuple[str, str]:
    """Part "RUC - NAME" at the first " - " only: names may hold one themselves."""
    number, _, name = collapse(text).partition(" - ")
    return number.strip(), name.strip()


def trade_name(text: str) -> str:
    """Return the trade name without the simplified regime's note, which may share its column."""
    return first_text(text) or NONE_SHOWN


def first_text(text: str) -> str:
    """Return a cell's first line without the date of leaving, which some parsers leave on the same line."""
    return _NOTE.split(first_line(text), maxsplit=1)[0].strip()


def main_activity(lines: Sequence[str]) -> str:
    """Return the description of the principal activity, complete, whatever hyphens it holds."""
    principal = next((line for line in lines if line.upper().startswith("PRINCIPAL")), lines[0] if lines else NO_DATA)
    parsed = _ACTIVITY.fullmatch(principal)
    return parsed["description"] if parsed else principal


def is_retention_agent(lines: Iterable[str]) -> bool:
    """Whether some padrón says "Incorporado ... Agentes de Retención": exclusions and other padrones do not count."""
    words = map(letters, lines)
    return any(line.startswith("INCORPORADO") and "AGENTESDERETENCI" in line for line in words)


def _address(text: str) -> tuple[str, str, str, str, str]:
    """Street, department, province, district and code, each with its word for "none"."""
    if collapse(text) == NONE_SHOWN:
        return NOT_GIVEN, NOT_GIVEN, NOT_GIVEN, NOT_GIVEN, NO_UBIGEO
    street, department, province, district = ubigeo.part(text)
    code = ubigeo.code_of(department, province, district)
    return street or NOT_GIVEN, department or NO_DATA, province or NO_DATA, district or NO_DATA, code or NO_UBIGEO


Rows = Mapping[str, LexborNode]


def _rows(tree: LexborHTMLParser) -> Rows:
    """Map each label, folded to its letters, to the element beside it. A value that is a heading has none beside it."""
    rows: dict[str, LexborNode] = {}
    for heading in tree.css("div.list-group h4"):
        beside = _element_after(heading.parent)
        if beside is not None:
            rows.setdefault(letters(text_of(heading)), beside)
    return rows


def _element_after(node: LexborNode | None) -> LexborNode | None:
    after = None if node is None else node.next
    while after is not None and not after.is_element_node:
        after = after.next
    return after


def _find(rows: Rows, spellings: Iterable[str]) -> LexborNode | None:
    for spelling in spellings:
        for label, node in rows.items():
            if alike(label, spelling):
                return node
    return None


def _value(rows: Rows, spellings: Iterable[str]) -> str:
    return text_of(_find(rows, spellings))


def _lines(rows: Rows, spellings: Iterable[str]) -> tuple[str, ...]:
    """Return the cells of a value that is a table, collapsed, without blank ones."""
    node = _find(rows, spellings)
    cells = [] if node is None else node.css("td")
    return tuple(line for line in (collapse(text_of(cell)) for cell in cells) if line)


def _form(tree: LexborHTMLParser, button: str) -> Fields | None:
    """Return what the button's form would post; None when the page has no such button."""
    node = tree.css_first(f".{button}")
    while node is not None and node.tag != "form":
        node = node.parent
    if node is None:
        return None
    inputs = (control.attributes for control in node.css("input[name]"))
    return tuple((control["name"] or "", control.get("value") or "") for control in inputs)


@dataclass(frozen=True, slots=True)
class _Table:
    """A table read by its column titles."""

    titles: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]

    @classmethod
    def headed(cls, tree: LexborHTMLParser, word: str) -> "_Table | None":
        """Find the table one of whose titles holds `word`."""
        for table in tree.css("table"):
            titles = tuple(letters(text_of(cell)) for cell in table.css("th, thead td"))
            if any(mentions(title, word) for title in titles):
                lines = (tuple(collapse(text_of(cell)) for cell in row.css("td")) for row in table.css("tbody tr"))
                return cls(titles, tuple(line for line in lines if len(line) == len(titles)))
        return None

    def cell(self, row: tuple[str, ...], title: str) -> str:
        """Return the cell under `title`: the column called so, else the first that holds the word; "" for no column."""
        exact = (text for name, text in zip(self.titles, row, strict=True) if alike(name, title))
        holding = (text for name, text in zip(self.titles, row, strict=True) if mentions(name, title))
        return next(exact, None) or next(holding, "")
