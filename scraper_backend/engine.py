"""What a look-up needs from a way of visiting the site, and the site's addresses and fields. Visits nothing itself."""

import secrets
import string
from contextlib import AbstractAsyncContextManager
from typing import Final, Protocol

from scraper_backend.admission import Slots
from scraper_backend.pages import Fields, Seen

FORM_PATH: Final = "/cl-ti-itmrconsruc/FrameCriterioBusquedaWeb.jsp"
SERVICE_PATH: Final = "/cl-ti-itmrconsruc/jcrS00Alias"

_TOKEN_LENGTH: Final = 52
_BASE_36: Final = string.digits + string.ascii_lowercase


class Session(Protocol):
    """One visitor of the site: its own cookies, used by one look-up only. Nothing it does raises for what it sees."""

    async def query(self, ruc: str) -> Seen:
        """Open the search form, ask for `ruc`, and return what came of it (or instead of the form)."""
        ...

    async def post(self, fields: Fields) -> Seen:
        """Post a form of the page seen last, and return what came of it."""
        ...


class Engine(Protocol):
    """A source of sessions, bounded."""

    name: str
    slots: Slots

    def session(self) -> AbstractAsyncContextManager[Session]:
        """Open a new session. Raises Busy when none is free in time."""
        ...

    async def close(self) -> None:
        """Give everything back; nothing of it is left running."""
        ...


def token() -> str:
    """Return a token as the page's own script makes it: 52 random characters of base 36."""
    return "".join(secrets.choice(_BASE_36) for _ in range(_TOKEN_LENGTH))


def query_fields(ruc: str) -> Fields:
    """Return what the search form posts for a RUC, in the browser's order. `modo` chooses today's layout."""
    return (
        ("accion", "consPorRuc"),
        ("razSoc", ""),
        ("nroRuc", ruc),
        ("nrodoc", ""),
        ("token", token()),
        ("contexto", "ti-it"),
        ("modo", "1"),
        ("rbtnTipo", "1"),
        ("search1", ruc),
        ("tipdoc", "1"),
        ("search2", ""),
        ("search3", ""),
        ("codigo", ""),
    )
