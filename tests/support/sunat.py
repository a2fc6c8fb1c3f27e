"""The practice site as a test's counterpart: what the API must answer for its fixtures and its failure switches.

Both engines are held against the same two tables.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from scraper_backend import app
from scraper_backend.engine import Engine
from scraper_backend.practice_site.app import make_app
from scraper_backend.practice_site.settings import Settings as SiteSettings
from scraper_backend.practice_site.taxpayers import Taxpayer
from scraper_backend.scraper import Scraper
from scraper_backend.settings import Settings
from scraper_backend.text import UNREADABLE

Client = TestClient[web.Request, web.Application]
Switch = Mapping[str, object]

NOBODY = {
    "tipoDocumento": "Sin datos",
    "nroDocumento": "Sin datos",
    "nombre": "Sin datos",
    "cargo": "Sin datos",
    "fechaDesde": "Sin datos",
}
CODES = {
    "20999999019": "150131",
    "20999999027": "170101",
    "20999999035": "040104",
    "20999999043": "110507",
    "20999999051": "Sin ubigeo",  # the page shortens the district's name; guessing is worse than not saying
    "20999999060": "220105",
    "20999999078": "080901",
    "20999999086": "120114",
    "20999999094": "070101",
    "20999999108": "140105",
    "10999999013": "Sin ubigeo",
    "10999999021": "211101",
    "15999999015": "Sin ubigeo",
    "16999999011": "200602",
    "17999999018": "230108",
}
AGENTS = {"20999999027", "20999999060", "20999999108"}


def expected(one: Taxpayer) -> dict[str, Any]:
    """The answer for a fixture, from what the site knows and not from what it prints."""
    where = one.address
    latest = one.workers[-1] if one.workers else None
    considered = one.representatives[:3]
    chosen = next((r for r in considered if "GERENTE" in r.post), considered[0] if considered else None)
    return {
        "numeroDocumento": one.ruc,
        "razonSocial": " ".join(one.name.split()),
        "nombreComercial": one.trade_name,
        "direccion": " ".join(where.street.split()) if where else "No especificado",
        "distrito": where.district if where else "No especificado",
        "provincia": where.province if where else "No especificado",
        "departamento": where.department if where else "No especificado",
        "ubigeo": CODES[one.ruc],
        "fechaInicioActividades": one.started,
        "activo": one.state == "ACTIVO",
        "EsAgenteRetencion": one.ruc in AGENTS,
        "actividadEconomica": one.activities[0].description,
        "tipoContribuyente": one.kind,
        "condicion_contribuyente": one.condition,
        "numeroTrabajadores": latest.workers if latest else "Sin datos",
        "prestadoresdeServicios": latest.providers if latest else "Sin datos",
        "representanteLegal": {
            "tipoDocumento": chosen.document,
            "nroDocumento": chosen.number,
            "nombre": chosen.name,
            "cargo": chosen.post,
            "fechaDesde": chosen.since,
        }
        if chosen
        else NOBODY,
        "error": None,
    }


@dataclass(frozen=True, slots=True)
class Trouble:
    """A way for the site to fail, and what the API makes of it. A status of 0: not to be seen by that engine."""

    name: str
    switch: Switch
    browser: int
    http: int
    queries: int = 1
    repeats: int = 0  # by Chromium itself, or when its driver is late as well
    missing: tuple[str, ...] = ()
    retry_after: str | None = None
    ruc: str = "20999999019"

    @property
    def is_silent(self) -> bool:
        """Whether it costs a whole step's time: who asks for many does well to have less patience there."""
        return "hang" in self.switch.values() or self.switch.get("how") == "spin"


MOST_SOCKETS = 12
"""Chromium sends a query again for each connection it had kept that is reset: six to a host, and as many that it may
open ahead of need meanwhile. It stops when they run out."""
WORKERS, REPRESENTATIVE = "trabajadores", "representante"

TROUBLES = (
    Trouble("slow", {"switch": "delay", "seconds": 0.05}, 200, 200),
    Trouble("form hangs", {"switch": "hang", "step": "form"}, 504, 504, queries=0),
    Trouble("query hangs", {"switch": "hang", "step": "ficha"}, 504, 504, repeats=1),
    Trouble("form reset", {"switch": "reset", "step": "form"}, 503, 503, queries=0, retry_after="60"),
    Trouble("query reset", {"switch": "reset", "step": "ficha"}, 503, 503, repeats=MOST_SOCKETS, retry_after="60"),
    Trouble("half a page once", {"switch": "half", "step": "ficha", "times": 1}, 200, 200, queries=2),
    Trouble("half a page", {"switch": "half", "step": "ficha"}, 502, 502, queries=2),
    Trouble("nearly all of a page", {"switch": "half", "step": "ficha", "fraction": 0.75}, 502, 502, queries=2),
    Trouble("half a page, then a reset", {"switch": "half", "step": "ficha", "then": "reset"}, 502, 502, queries=2),
    Trouble("half a page, then silence", {"switch": "half", "step": "ficha", "then": "hang"}, 504, 504),
    Trouble("redirected once", {"switch": "status", "status": 302, "step": "ficha", "times": 1}, 200, 200, queries=2),
    Trouble("redirected", {"switch": "status", "status": 302, "step": "ficha"}, 503, 503, queries=2, retry_after="30"),
    Trouble("401 once", {"switch": "status", "status": 401, "step": "ficha", "times": 1}, 200, 200, queries=2),
    Trouble("401", {"switch": "status", "status": 401, "step": "ficha"}, 503, 503, queries=2, retry_after="30"),
    Trouble("403", {"switch": "status", "status": 403, "step": "ficha"}, 503, 503, retry_after="60"),
    Trouble("403 at the form", {"switch": "status", "status": 403, "step": "form"}, 503, 503, queries=0),
    Trouble("429", {"switch": "status", "status": 429, "step": "ficha"}, 503, 503, retry_after="60"),
    Trouble("500 once", {"switch": "status", "status": 500, "step": "ficha", "times": 1}, 200, 200, queries=2),
    Trouble("502 twice", {"switch": "status", "status": 502, "step": "ficha", "times": 2}, 200, 200, queries=3),
    Trouble("503", {"switch": "status", "status": 503, "step": "ficha"}, 503, 503, queries=3, retry_after="30"),
    Trouble("firewall once", {"switch": "request-rejected", "step": "ficha", "times": 1}, 200, 200, queries=2),
    Trouble("firewall", {"switch": "request-rejected", "step": "ficha"}, 503, 503, queries=2, retry_after="60"),
    Trouble("error page twice", {"switch": "error-page", "step": "ficha", "times": 2}, 200, 200, queries=3),
    Trouble("error page", {"switch": "error-page", "step": "ficha"}, 503, 503, queries=3, retry_after="30"),
    Trouble("message page once", {"switch": "message-page", "step": "ficha", "times": 1}, 200, 200, queries=2),
    Trouble("message page", {"switch": "message-page", "step": "ficha"}, 503, 503, queries=2, retry_after="30"),
    Trouble("session lost once", {"switch": "session-expired", "step": "ficha", "times": 1}, 200, 200, queries=2),
    Trouble("session lost", {"switch": "session-expired", "step": "ficha"}, 503, 503, queries=2, retry_after="30"),
    Trouble("maintenance", {"switch": "maintenance", "step": "ficha"}, 503, 503, retry_after="300"),
    Trouble("maintenance at the form", {"switch": "maintenance", "step": "form"}, 503, 503, queries=0),
    Trouble("renderer dies once", {"switch": "renderer-crash", "step": "ficha", "times": 1}, 200, 0, queries=2),
    Trouble("renderer dies", {"switch": "renderer-crash", "step": "ficha"}, 503, 0, queries=2),
    # Chromedriver itself may be silent then: that browser is given up, and another one asks.
    Trouble("renderer freezes", {"switch": "renderer-crash", "how": "spin", "step": "ficha"}, 504, 0, repeats=1),
    Trouble("alert", {"switch": "alert", "step": "ficha"}, 400, 0),
    Trouble("alert of another kind", {"switch": "alert", "step": "ficha", "text": "Hola"}, 502, 0),
    Trouble("challenge to headless browsers", {"switch": "challenge"}, 200, 200),
    Trouble("challenge", {"switch": "challenge", "only_headless": False}, 503, 503, queries=0, retry_after="300"),
    Trouble("not found", {"switch": "not-found", "step": "ficha"}, 404, 404),
    Trouble("some labels renamed", {"switch": "labels-renamed"}, 502, 502),
    Trouble("all labels renamed", {"switch": "labels-renamed", "which": "all"}, 502, 502),
    Trouble("list group renamed", {"switch": "list-group-renamed"}, 502, 502),
    Trouble("old layout", {"switch": "old-layout"}, 502, 502),
    Trouble("another spelling", {"switch": "contabilidiad"}, 200, 200),
    Trouble("another's ficha", {"switch": "wrong-ficha", "step": "ficha"}, 502, 502),
    Trouble("another's workers", {"switch": "wrong-ficha", "step": "workers"}, 200, 200, missing=(WORKERS,)),
    Trouble("latin-1, undeclared", {"switch": "encoding"}, 200, 200, ruc="10999999021"),
    Trouble("latin-1, declared", {"switch": "encoding", "header": True}, 200, 200, ruc="10999999021"),
    Trouble("latin-1 on every page", {"switch": "encoding"}, 200, 200, ruc="20999999051"),
    Trouble("workers fail once", {"switch": "error-page", "step": "workers", "times": 1}, 200, 200),
    Trouble("workers fail", {"switch": "error-page", "step": "workers"}, 200, 200, missing=(WORKERS,)),
    Trouble("workers cut short", {"switch": "half", "step": "workers"}, 200, 200, missing=(WORKERS,)),
    Trouble("workers redirected", {"switch": "status", "status": 302, "step": "workers"}, 200, 200, missing=(WORKERS,)),
    Trouble(
        "representatives rejected",
        {"switch": "request-rejected", "step": "representatives"},
        200,
        200,
        missing=(REPRESENTATIVE,),
    ),
    Trouble("representatives hang", {"switch": "hang", "step": "representatives"}, 200, 200, missing=(REPRESENTATIVE,)),
    Trouble(
        "representatives reset", {"switch": "reset", "step": "representatives"}, 200, 200, missing=(REPRESENTATIVE,)
    ),
)
"""Every failure switch that can reach a look-up (the guards at the door have tests of their own)."""


@asynccontextmanager
async def practice_site(**settings: Any) -> AsyncIterator[Client]:
    """Run the practice site on a free port, without delays."""
    client = TestClient(TestServer(make_app(SiteSettings(**{"delay": 0, "token_block": 0, **settings}))))
    try:
        await client.start_server()
        yield client
    finally:
        await client.close()


@asynccontextmanager
async def api(engine: Engine, settings: Settings) -> AsyncIterator[Client]:
    """Run the API over `engine`, which it closes."""
    client = TestClient(TestServer(app.build(Scraper(engine, settings))))
    try:
        await client.start_server()
        yield client
    finally:
        await client.close()


def origin(site: Client) -> str:
    """What SUNAT_URL would be."""
    return str(site.make_url("/")).rstrip("/")


async def arm(site: Client, *switches: Switch) -> None:
    """Put exactly these failure switches in force, and forget what was asked before."""
    answer = await site.put("/_practice/switches", json=list(switches))
    assert answer.status == 200, await answer.text()
    await site.delete("/_practice/requests")


async def asked(site: Client, **condition: str) -> list[dict[str, Any]]:
    """What the site was asked since."""
    answer = await site.get("/_practice/requests", params=condition)
    entries: list[dict[str, Any]] = (await answer.json())["requests"]
    return entries


async def eventually(condition: Any, within: float = 25.0) -> None:
    """Wait for real processes: until `condition()` (maybe awaitable) holds, looking again and again."""
    async with asyncio.timeout(within):
        while True:
            held = condition()
            if held if not asyncio.iscoroutine(held) else await held:
                return
            await asyncio.sleep(0.02)


async def check(site: Client, client: Client, trouble: Trouble, truth: Taxpayer, *, browser: bool) -> None:
    """Look up while the site is in `trouble`; compare status, body, hint and the number of queries."""
    status = trouble.browser if browser else trouble.http
    most = trouble.queries + (trouble.repeats if browser else 0)
    await arm(site, trouble.switch)
    answer = await client.get(f"/obtener-ruc/{trouble.ruc}")
    body = await answer.json()
    assert answer.status == status, body
    queries = await asked(site, step="ficha")
    assert trouble.queries <= len(queries) <= most, queries
    if status != 200:
        assert body.keys() == {"message", "detail", "ruc"}
        assert (body["message"], body["ruc"]) == ("Error al consultar RUC", trouble.ruc)
        assert trouble.retry_after in (None, answer.headers.get("Retry-After"))
        assert ("Retry-After" in answer.headers) == (status == 503)
        return
    right = expected(truth)
    if WORKERS in trouble.missing:
        right |= {"numeroTrabajadores": "Sin datos", "prestadoresdeServicios": "Sin datos"}
    if REPRESENTATIVE in trouble.missing:
        right |= {"representanteLegal": NOBODY}
    error = body.pop("error")
    right.pop("error")
    if browser and UNREADABLE in str(body):
        # This Chromium does not give out a page's bytes: then it must at least be said that letters are missing.
        assert (trouble.switch["switch"], "letras" in error) == ("encoding", True)
        return
    assert body == right
    assert bool(error) == bool(trouble.missing)
    assert all(word in error for word in trouble.missing)
