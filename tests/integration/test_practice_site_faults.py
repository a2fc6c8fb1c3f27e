"""The practice site fails as it is told, over real sockets."""

import asyncio

import aiohttp
import pytest

from scraper_backend.practice_site.app import make_app
from scraper_backend.practice_site.markup import HOME
from scraper_backend.practice_site.settings import Settings
from tests.support.practice_site import RUC, SERVICE, TOKEN, Client, Clients, Hands, ask, log, switch

pytestmark = pytest.mark.integration


@pytest.fixture
def hands() -> Hands:
    return Hands()


@pytest.fixture
async def site(aiohttp_client: Clients, hands: Hands) -> Client:
    return await aiohttp_client(make_app(Settings(delay=0), hands.world))


@pytest.mark.parametrize(
    ("fault", "shows"),
    [
        ({"switch": "request-rejected"}, "<title>Request Rejected</title>"),
        ({"switch": "error-page"}, ".:: Pagina de Error ::."),
        ({"switch": "error-page", "text": "Otra cosa"}, "Otra cosa"),
        ({"switch": "message-page"}, ".:: Pagina de Mensajes ::."),
        ({"switch": "maintenance"}, "mantenimiento"),
        ({"switch": "maintenance", "text": "demasiadas solicitudes"}, "demasiadas solicitudes"),
        ({"switch": "renderer-crash"}, "appendChild"),
        ({"switch": "renderer-crash", "how": "spin"}, "while (true)"),
        ({"switch": "alert"}, "alert('Por favor, ingrese numero de RUC valido.')"),
        ({"switch": "alert", "text": "</script>'\\"}, "alert('\\x3c/script>\\'\\\\')"),
        ({"switch": "challenge", "only_headless": False}, "Verificando su navegador"),
        ({"switch": "session-expired"}, 'id="txtRuc"'),
        ({"switch": "not-found"}, "consultado no es válido"),
        ({"switch": "wrong-ficha"}, "20999999027 - "),
        ({"switch": "contabilidiad"}, "Sistema Contabilidiad:"),
        ({"switch": "list-group-renamed"}, "grupo-datos"),
        ({"switch": "old-layout"}, 'class="bgn"'),
        ({"switch": "labels-renamed"}, "Situaci&oacute;n en el Registro:"),
    ],
)
async def test_what_is_shown_in_place_of_the_ficha(site: Client, fault: dict[str, object], shows: str) -> None:
    await switch(site, {**fault, "ruc": RUC, "times": 1})
    assert "ALFARERIA" not in await ask(site, "20999999027")
    assert shows in await ask(site)
    assert (await log(site))[-1]["switches"] == [fault["switch"]]
    if fault["switch"] != "session-expired":
        assert "ALFARERIA" in await ask(site)


@pytest.mark.parametrize("status", [401, 403, 429, 500, 502, 503, 302])
async def test_statuses(site: Client, status: int) -> None:
    await switch(site, {"switch": "status", "status": status, "retry_after": 7})
    async with site.post(SERVICE, data={"accion": "consPorRuc"}, allow_redirects=False) as answer:
        assert answer.status == status
        assert answer.headers.get("Location") == (HOME if status == 302 else None)
        assert answer.headers.get("Retry-After") == (None if status == 302 else "7")


@pytest.mark.parametrize("agent", ["HeadlessChrome/140", "Chrome/140"])
async def test_the_challenge_is_for_headless_browsers(site: Client, agent: str) -> None:
    await switch(site, {"switch": "challenge", "step": "form"})
    async with site.get(HOME, headers={"User-Agent": f"Mozilla/5.0 {agent}"}) as answer:
        assert ("Verificando" in await answer.text()) is agent.startswith("Headless")


async def test_a_lost_session_stays_lost_until_the_form_is_fetched(site: Client) -> None:
    async with site.get(HOME):
        pass
    await switch(site, {"switch": "session-expired", "step": "ficha", "nth": 1})
    assert 'id="txtRuc"' in await ask(site)
    assert 'id="txtRuc"' in await ask(site)
    assert 'id="txtRuc"' in await ask(site, action="getCantTrab", desRuc="X")
    async with site.get(HOME) as form:
        assert "Set-Cookie" in form.headers
    assert "ALFARERIA" in await ask(site)


@pytest.mark.parametrize("fault", [{"switch": "reset"}, {"switch": "half", "then": "reset"}, {"switch": "half"}])
async def test_broken_connections(site: Client, fault: dict[str, object]) -> None:
    await switch(site, {**fault, "times": 1})
    with pytest.raises(aiohttp.ClientError):
        await ask(site)
    assert "ALFARERIA" in await ask(site)


async def test_a_reset_is_a_tcp_reset(site: Client) -> None:
    await switch(site, {"switch": "reset"})
    reader, writer = await asyncio.open_connection("127.0.0.1", site.port)
    writer.write(f"GET {HOME} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
    with pytest.raises(ConnectionResetError):
        await reader.read()
    writer.close()


@pytest.mark.parametrize(("fault", "first"), [({"switch": "hang"}, b""), ({"switch": "half", "then": "hang"}, b"HTTP")])
async def test_silence_lasts_until_the_site_stops(site: Client, fault: dict[str, object], first: bytes) -> None:
    await switch(site, fault)
    reader, writer = await asyncio.open_connection("127.0.0.1", site.port)
    writer.write(f"GET {HOME} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
    assert await reader.read(4) == first if first else not reader.at_eof()
    while True:  # until the other connection's request has been read and decided
        entries = await log(site)
        if entries and entries[-1]["answer"] != "in flight":
            break
    await site.close()
    try:
        rest = await reader.read()
    except ConnectionResetError:
        rest = b""
    assert b"</html>" not in rest
    writer.close()


async def test_the_rate_limit_resets_and_blocks(site: Client, hands: Hands) -> None:
    await switch(site, {"switch": "rate-limit", "per_minute": 3, "seconds": 100})
    for _ in range(3):
        assert "ALFARERIA" in await ask(site)
    with pytest.raises(aiohttp.ClientConnectionError):
        await ask(site)
    hands.seconds = 99
    with pytest.raises(aiohttp.ClientConnectionError):
        await ask(site)
    hands.seconds = 101
    assert "ALFARERIA" in await ask(site)


@pytest.mark.parametrize(
    ("encoding", "field", "codec"),
    [
        ({"bytes": "latin-1"}, "text/html", "latin-1"),
        ({"bytes": "latin-1", "header": True}, "text/html;charset=ISO-8859-1", "latin-1"),
        ({"bytes": "utf-8", "header": True}, "text/html;charset=UTF-8", "utf-8"),
    ],
)
async def test_encodings(site: Client, encoding: dict[str, object], field: str, codec: str) -> None:
    await switch(site, {"switch": "encoding", **encoding})
    form = {"accion": "consPorRuc", "nroRuc": RUC, "token": TOKEN, "contexto": "ti-it", "modo": "1"}
    async with site.post(SERVICE, data=form) as answer:
        assert answer.headers["Content-Type"] == field
        assert "Número de RUC:".encode(codec) in await answer.read()
