"""What came back from the site: classified before anything is read from it. Pure; extracts no values."""

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from selectolax.lexbor import LexborHTMLParser, LexborNode

from scraper_backend.text import alike, collapse, letters, mentions


@dataclass(frozen=True, slots=True)
class Page:
    """A document as the site gave it. `status` is None where an engine cannot see it; `retry_after` is in seconds."""

    html: str
    status: int | None = None
    retry_after: int | None = None


@dataclass(frozen=True, slots=True)
class Alert:
    """The page opened a native alert instead of sending anything."""

    text: str


@dataclass(frozen=True, slots=True)
class Cut:
    """No document: the connection was refused, reset or closed. `reason` is for the log."""

    reason: str


@dataclass(frozen=True, slots=True)
class Silence:
    """No document in the time one step may take."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Gone:
    """The browser itself is dead or beyond use. `reason` is for the log."""

    reason: str


@dataclass(frozen=True, slots=True)
class Unusable:
    """A page that lacks the controls to go on with. `reason` is for the log."""

    reason: str


Seen = Page | Alert | Cut | Silence | Gone | Unusable


Fields = tuple[tuple[str, str], ...]
"""What a form posts, in the form's own order."""


class Sign(StrEnum):
    """What a document, or its absence, means."""

    FICHA = "ficha"
    WORKERS = "workers"
    REPRESENTATIVES = "representatives"
    FORM = "search form"
    NOT_REGISTERED = "not registered"
    INVALID_NUMBER = "invalid number"
    SESSION_REFUSED = "session or token refused"
    SERVER_FAULT = "server fault"
    REJECTED = "rejected by the firewall"
    REFUSED = "refused"
    MAINTENANCE = "maintenance"
    CHALLENGE = "browser challenge"
    BLOCKED = "connection blocked"
    SILENT = "no answer"
    BROWSER_GONE = "browser gone"
    TRUNCATED = "page cut short"
    CHANGED = "page not understood"


_TITLES: Final = (
    ("REQUESTREJECTED", Sign.REJECTED),
    ("PAGINADEERROR", Sign.SERVER_FAULT),  # also the older "Página de Errores"
    ("PAGINADEMENSAJES", Sign.SESSION_REFUSED),
)
_SENTENCES: Final = (
    ("CONSULTADONOESVALIDO", Sign.NOT_REGISTERED),
    ("NOREGISTRAUNNUMERODERUC", Sign.NOT_REGISTERED),
    ("NOSEENCONTROINFORMACIONPARAREPRESENTANTESLEGALES", Sign.REPRESENTATIVES),
    ("NOEXISTENDECLARACIONESPRESENTADAS", Sign.WORKERS),
)
_STATUSES: Final = {
    401: Sign.SESSION_REFUSED,
    403: Sign.REFUSED,
    429: Sign.REFUSED,
    500: Sign.SERVER_FAULT,
    502: Sign.SERVER_FAULT,
    503: Sign.SERVER_FAULT,
    504: Sign.SERVER_FAULT,
}
_NOTICES: Final = (
    ("MANTENIMIENTO", Sign.MAINTENANCE),
    ("SERVICIONODISPONIBLE", Sign.MAINTENANCE),
    ("SISTEMANODISPONIBLE", Sign.MAINTENANCE),
    ("DEMASIADASSOLICITUDES", Sign.REFUSED),
    ("ACCESODENEGADO", Sign.REFUSED),
    ("VERIFICANDOSUNAVEGADOR", Sign.CHALLENGE),
    ("VERIFICACIONDELNAVEGADOR", Sign.CHALLENGE),
    ("CHECKINGYOURBROWSER", Sign.CHALLENGE),
    ("VERIFYINGYOURBROWSER", Sign.CHALLENGE),
)
_NOTICE_MOST: Final = 4_000
"""A notice is a short text; a long page that happens to hold one of its words is not a notice."""

_ERROR_STATUS: Final = 400
_ALERT_NUMBER: Final = "NUMERODERUCVALIDO"
_RUC_LABEL: Final = "NUMERODERUC"
_RUC: Final = re.compile(r"[0-9]{11}")


def classify(seen: Seen) -> Sign:
    """Say what came. Never raises; a page that nothing fits is CHANGED, never guessed at."""
    match seen:
        case Page():
            return _classify_page(seen)
        case Alert(text):
            return Sign.INVALID_NUMBER if mentions(letters(text), _ALERT_NUMBER) else Sign.CHANGED
        case Cut():
            return Sign.BLOCKED
        case Silence():
            return Sign.SILENT
        case Gone():
            return Sign.BROWSER_GONE
        case Unusable():
            return Sign.CHANGED


def _classify_page(page: Page) -> Sign:
    tree = parse(page.html)
    title = letters(text_of(tree.css_first("title")))
    for words, sign in _TITLES:
        if mentions(title, words):
            return sign
    if page.status is not None and page.status >= _ERROR_STATUS:
        return _STATUSES.get(page.status, Sign.CHANGED)
    unknown = Sign.CHANGED if "</html" in page.html.lower() else Sign.TRUNCATED
    return _by_structure(tree) or _by_words(tree) or unknown


def _by_structure(tree: LexborHTMLParser) -> Sign | None:
    """What the page's own elements say. Comes before any search for words: a taxpayer's name may hold them."""
    if any(alike(letters(text_of(h4)), _RUC_LABEL) for h4 in tree.css("div.list-group h4")):
        return _whole(tree, Sign.FICHA)
    if tree.css_first("#txtRuc") is not None:
        return Sign.FORM
    heads = [letters(text_of(cell)) for cell in tree.css("table th, table thead td")]
    if any(mentions(head, "CARGO") for head in heads) and any(mentions(head, "NOMBRE") for head in heads):
        return _whole(tree, Sign.REPRESENTATIVES)
    if any(mentions(head, "TRABAJADORES") for head in heads):
        return _whole(tree, Sign.WORKERS)
    return None


def _by_words(tree: LexborHTMLParser) -> Sign | None:
    words = letters(text_of(tree.body))
    for sentence, sign in _SENTENCES:
        if mentions(words, sentence):
            return sign
    if len(words) <= _NOTICE_MOST:
        for notice, sign in _NOTICES:
            if mentions(words, notice):
                return sign
    return None


def _whole(tree: LexborHTMLParser, sign: Sign) -> Sign:
    return sign if is_complete(tree) else Sign.TRUNCATED


def is_complete(tree: LexborHTMLParser) -> bool:
    """Whether a result page reaches its end: the mail form or the copyright line, which close each of them."""
    if tree.css_first("form[name=formEnviar]") is not None:
        return True
    return mentions(letters(text_of(tree.body)), "SUNATDERECHOSRESERVADOS")


def section_rucs(html: str) -> frozenset[str]:
    """Return the RUCs a sub-page says it is about: in its headings and in its mail form. Empty when it says none."""
    tree = parse(html)
    words = " ".join(text_of(node) for node in tree.css("h1, h2, h3")).split()
    marks = [node.attributes.get("value") or "" for node in tree.css("form[name=formEnviar] input[name=nroRuc]")]
    return frozenset(word for word in (*words, *map(collapse, marks)) if _RUC.fullmatch(word))


def parse(html: str) -> LexborHTMLParser:
    """Parse as HTML5 does, without scripts and styles, whose text is not the page's."""
    tree = LexborHTMLParser(html)
    tree.strip_tags(["script", "style"])
    return tree


def text_of(node: LexborNode | None) -> str:
    """All text below a node, pieces joined by line ends as `br` would; empty for no node."""
    return "" if node is None else node.text(separator="\n")
