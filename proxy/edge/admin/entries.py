"""The admin API over what is stored: search, show, remove. Translates; the inventory and the purger do the work."""

import base64
import binascii
import json
from collections.abc import Callable, Sequence
from hashlib import blake2b
from typing import Final

from aiohttp import web
from msgspec import Struct

from proxy.edge.admin.entry_view import row_view, whole_view
from proxy.edge.admin.gatekeeper import ASKER
from proxy.edge.admin.purge_form import read_aim
from proxy.errors import ClientError
from proxy.exchange.entry_ids import read_entry_id
from proxy.exchange.inventory import Page, Row
from proxy.exchange.purge_desk import PurgeDesk, PurgeWish
from proxy.exchange.purges import AskedMode, Purge, PurgeKind, PurgeMode

BAD_REQUEST: Final = 400
NOT_FOUND: Final = 404
MOST: Final = 500
USUAL: Final = 50
_MOST_DIGITS: Final = 9
_MOST_STEPS: Final = 40
"""Bounded steps in which one page looks for its rows: what matches little is found over several pages."""
_MARK: Final = 6
_NO_ENTRY: Final = "no entry is stored under this id: it has expired, was removed, or never was"


class Entries(Struct, frozen=True):
    """The endpoints over one desk's inventory."""

    desk: PurgeDesk
    now: Callable[[], float]
    """Wall seconds."""
    hits: Callable[[Sequence[str]], list[int | None]]
    """How often keys were answered lately."""

    def add_to(self, app: web.Application) -> None:
        """Register them."""
        app.router.add_get("/admin/entries", self.search)
        app.router.add_get("/admin/entries/{id}", self.show)
        app.router.add_delete("/admin/entries/{id}", self.remove)

    async def search(self, request: web.Request) -> web.Response:
        """A page of what is stored."""
        given = dict(request.query)
        limit, cursor = _limit(given.pop("limit", str(USUAL))), given.pop("cursor", "")
        kind, argument = read_aim(given or {"all": "true"}, ("limit", "cursor"))
        aim, *_ = self.desk.purger.aimed(kind, argument, PurgeMode.SOFT)
        page = await self._page(aim, _opened(cursor, aim), limit)
        now = self.now()
        hits = self.hits([row.key for row in page.rows])
        rows = zip(page.rows, hits, strict=True)
        entries = [row_view(row.key, row.stored, row.length, row.size, now) | {"hits": count} for row, count in rows]
        return web.json_response({"entries": entries, "cursor": _sealed(page.cursor, aim)})

    async def _page(self, aim: Purge, cursor: bytes, limit: int) -> Page:
        rows: list[Row] = []
        for _ in range(_MOST_STEPS):
            try:
                page = await self.desk.inventory.page(aim, cursor, limit - len(rows))
            except ValueError:
                raise ClientError(BAD_REQUEST, "'cursor' is none that an earlier page gave") from None
            rows += page.rows
            cursor = page.cursor
            if not cursor or len(rows) >= limit:
                break
        return Page(rows, cursor)

    async def show(self, request: web.Request) -> web.Response:
        """One stored response: its head, its windows and its body."""
        if strange := [name for name in request.query if name != "pretty"]:
            raise ClientError(BAD_REQUEST, f"unknown name {strange[0]!r}; the name is pretty")
        entry = _id(request)
        stored = await self.desk.inventory.find(entry)
        if stored is None:
            raise ClientError(NOT_FOUND, _NO_ENTRY)
        pretty = request.query.get("pretty", "").lower() not in {"", "0", "false", "no"}
        key = read_entry_id(entry)[0]
        (hits,) = self.hits([key])
        return web.json_response(whole_view(key, stored, self.now(), pretty=pretty) | {"hits": hits})

    async def remove(self, request: web.Request) -> web.Response:
        """Remove one stored response, everywhere: a hard purge of it alone."""
        entry = _id(request)
        wish = PurgeWish(PurgeKind.ENTRY, entry, AskedMode.HARD)
        said = await self.desk.serve(wish, request[ASKER] or "unknown")
        if said.values["count"] == 0:
            raise ClientError(NOT_FOUND, _NO_ENTRY)
        return web.json_response({"id": entry} | said.values, status=said.status)


def _id(request: web.Request) -> str:
    entry = request.match_info["id"]
    try:
        read_entry_id(entry)
    except ValueError:
        problem = f"{entry[:100]!r} is not the id of an entry: see tambo entries ls, or GET /admin/entries"
        raise ClientError(NOT_FOUND, problem) from None
    return entry


def _limit(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= _MOST_DIGITS) or not 1 <= int(text) <= MOST:
        raise ClientError(BAD_REQUEST, f"'limit' must be a number from 1 to {MOST}, not {text[:40]!r}")
    return int(text)


# Cursors: opaque, and good for the search they came from alone --------------------------------------------------------


def _sealed(cursor: bytes, aim: Purge) -> str | None:
    return base64.urlsafe_b64encode(_mark(aim) + cursor).rstrip(b"=").decode() if cursor else None


def _opened(text: str, aim: Purge) -> bytes:
    if not text:
        return b""
    try:
        data = base64.b64decode(text.encode() + b"=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, UnicodeError):
        data = b""
    if len(data) <= _MARK or data[:_MARK] != _mark(aim):
        raise ClientError(BAD_REQUEST, "'cursor' is none that an earlier page of this search gave")
    return data[_MARK:]


def _mark(aim: Purge) -> bytes:
    return blake2b(json.dumps([aim.kind, aim.argument]).encode(), digest_size=_MARK).digest()
