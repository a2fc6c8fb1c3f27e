"""The practice site over real sockets: its pages, its faults, its control API, its start and stop."""

import asyncio
import os
import re
import signal
import sys
from collections.abc import Awaitable, Callable

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient

from scraper_backend.practice_site.app import make_app
from scraper_backend.practice_site.markup import HOME
from scraper_backend.practice_site.settings import Settings
from scraper_backend.practice_site.switches import parse_switches
from scraper_backend.practice_site.world import World

pytestmark = pytest.mark.integration

Client = TestClient[web.Request, web.Application]
Clients = Callable[..., Awaitable[Client]]
SERVICE = "/cl-ti-itmrconsruc/jcrS00Alias"
TOKEN = "z9" * 26
RUC = "20999999019"


class Hands:
    """A world whose clock is moved by hand and whose sleep takes no time but is written down."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self.slept: list[float] = []
        self.world = World(clock=lambda: self.seconds, sleep=self.sleep)

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)


@pytest.fixture
def hands() -> Hands:
    return Hands()


@pytest.fixture
async def site(aiohttp_client: Clients, hands: Hands) -> Client:
    return await aiohttp_client(make_app(Settings(delay=0), hands.world))


async def ask(site: Client, ruc: str = RUC, action: str = "consPorRuc", **fields: str) -> str:
    """Post a query as the page's script does and give the answer's text."""
    form = {"accion": action, "nroRuc": ruc, "token": TOKEN, "contexto": "ti-it", "modo": "1", **fields}
    async with site.post(SERVICE, data=form) as answer:
        assert answer.status == 200
        return (await answer.read()).decode()


async def switch(site: Client, *switches: dict[str, object]) -> None:
    """Put switches in force."""
    async with site.put("/_practice/switches", json={"switches": list(switches)}) as answer:
        assert answer.status == 200, await answer.text()


async def log(site: Client, **query: str) -> list[dict[str, object]]:
    """The entries of the log."""
    async with site.get("/_practice/requests", params=query) as answer:
        entries: list[dict[str, object]] = (await answer.json())["requests"]
        return entries


async def test_form_ficha_workers_and_back(site: Client) -> None:
    async with site.get(HOME) as form:
        assert form.headers["Content-Type"] == "text/html"
        assert re.match(r"ITMRCONSRUCSESSION=\w{52}!-?\d+!\d+; path=/; HttpOnly", form.headers["Set-Cookie"])
        assert 'id="txtRuc"' in await form.text()
    assert "ALFARERIA" in await ask(site)
    assert "2025-08" in await ask(site, action="getCantTrab", token="", desRuc="X")
    assert "ALFARERIA" in await ask(site, token="", actReturn="1")
    assert [entry["step"] for entry in await log(site)] == ["form", "ficha", "workers", "volver"]
    assert len({entry["session"] for entry in await log(site)} - {""}) == 1


async def test_a_get_of_the_service_is_the_form(site: Client) -> None:
    async with site.get(SERVICE) as answer:
        assert 'id="txtRuc"' in await answer.text()
    async with site.get("/", allow_redirects=False) as answer:
        assert (answer.status, answer.headers["Location"]) == (302, HOME)


@pytest.mark.parametrize(
    "path",
    [
        "/a/js/libs/jquery/1.11.1/jquery.min.js",
        "/a/js/libs/bootstrap/3.3.1/js/bootstrap.min.js",
        "/a/js/libs/bootstrap/3.3.1/css/bootstrap.min.css",
        "/a/js/apps/workspace/ws.js",
        "/a/imagenes/logo_2015.png",
        "/sunatrecaptcha/3.0.2/sunatrecaptcha3.js",
    ],
)
async def test_static_files_are_local(site: Client, path: str) -> None:
    async with site.get(path) as answer:
        assert answer.status == 200
    assert await log(site) == []


@pytest.mark.parametrize("path", ["/cl-ti-itmrconsruc/captcha?accion=random", "/cl-ti-itconsruc/jcrS00Alias"])
async def test_paths_of_older_days_are_rejected(site: Client, path: str) -> None:
    async with site.get(path) as answer:
        text = await answer.text()
    assert "<title>Request Rejected</title>" in text
    assert 200 < len(text) < 300


async def test_no_token_is_an_error_and_then_resets_until_the_block_ends(site: Client, hands: Hands) -> None:
    assert "Pagina de Error" in await ask(site, token="")
    with pytest.raises(aiohttp.ClientConnectionError):
        await ask(site)
    async with site.get("/_practice/health") as answer:
        assert answer.status == 200
    hands.seconds = 31
    assert "ALFARERIA" in await ask(site)


async def test_the_token_block_can_be_changed(site: Client) -> None:
    await switch(site, {"switch": "token-block", "seconds": 0})
    assert "Pagina de Error" in await ask(site, token="")
    assert "ALFARERIA" in await ask(site)


async def test_an_implausible_token_is_a_message(site: Client) -> None:
    assert "Pagina de Mensajes" in await ask(site, token="short")
    assert "ALFARERIA" in await ask(site)


async def test_the_way_back_needs_to_have_been_there(site: Client) -> None:
    assert "Pagina de Error" in await ask(site, token="", actReturn="1")


async def test_a_listed_number_needs_no_further_token(site: Client) -> None:
    assert f'data-ruc="{RUC}"' in await ask(site, "", "consPorRazonSoc", razSoc="cantaro")
    assert "ALFARERIA" in await ask(site, token="", actReturn="1")


async def test_a_browser_s_name_with_a_script_s_fields_is_rejected(site: Client) -> None:
    site.session.headers.update({"User-Agent": "Mozilla/5.0 Chrome/120.0.0.0", "Sec-Fetch-Mode": "cors"})
    assert "Request Rejected" in await ask(site)
    site.session.headers["Sec-Fetch-Mode"] = "navigate"
    assert "ALFARERIA" in await ask(site)


async def test_a_post_that_is_no_form_is_an_error_page(site: Client) -> None:
    async with site.post(SERVICE, data=b"\xff\x00%%%") as answer:
        assert "Pagina de Error" in await answer.text()
    async with site.post(SERVICE, data=b"x" * 100_000) as answer:
        assert answer.status == 413


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


async def test_delays_are_imitated_scaled_and_added_to(aiohttp_client: Clients, hands: Hands) -> None:
    site = await aiohttp_client(make_app(Settings(delay=0.1), hands.world))
    await switch(site, {"switch": "delay", "seconds": 100, "step": "workers"})
    async with site.get(HOME):
        pass
    await ask(site)
    await ask(site, action="getCantTrab", desRuc="X")
    form, ficha, workers = hands.slept
    assert 0.1 <= form <= 0.3
    assert 0.2 <= ficha <= 0.8
    assert 100.2 <= workers <= 100.6


async def test_switches_are_put_added_shown_and_taken_back(aiohttp_client: Clients, hands: Hands) -> None:
    start = parse_switches([{"switch": "maintenance", "times": 1}])
    site = await aiohttp_client(make_app(Settings(delay=0, switches=start), hands.world))
    assert "mantenimiento" in await ask(site)
    await switch(site, {"switch": "contabilidiad"})
    async with site.post("/_practice/switches", json={"switch": "reset", "nth": 2}) as answer:
        assert [one["switch"] for one in (await answer.json())["switches"]] == ["contabilidiad", "reset"]
    assert "Contabilidiad" in await ask(site)
    async with site.get("/_practice/switches") as answer:
        assert (await answer.json())["switches"][1] == {"switch": "reset", "nth": 2, "seen": 1, "fired": 0}
    async with site.delete("/_practice/switches") as answer:
        assert [one["switch"] for one in (await answer.json())["switches"]] == ["maintenance"]
    assert "mantenimiento" in await ask(site)


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ('[{"switch": "restet"}]', "switch 1: unknown switch 'restet'; the nearest known one is 'reset'"),
        ("[", "the body is not JSON"),
        ("\xff", "the body is not JSON"),
        ("{}", "expected"),
    ],
)
async def test_a_wrong_switch_is_named_and_nothing_changes(site: Client, body: str, says: str) -> None:
    await switch(site, {"switch": "contabilidiad"})
    async with site.put("/_practice/switches", data=body.encode("latin-1")) as answer:
        assert answer.status == 400
        assert says in (await answer.json())["error"]
    assert "Contabilidiad" in await ask(site)


async def test_the_log_is_filtered_and_forgotten(site: Client) -> None:
    await ask(site)
    await ask(site, "20999999027")
    assert [entry["ruc"] for entry in await log(site, ruc="20999999027")] == ["20999999027"]
    assert await log(site, step="workers") == []
    entry = (await log(site))[0]
    assert (entry["number"], entry["method"], entry["answer"], entry["delay"]) == (1, "POST", "page", 0)
    assert isinstance(entry["fields"], dict)
    assert entry["fields"]["token"] == TOKEN
    async with site.delete("/_practice/requests") as answer:
        assert answer.status == 204
    assert await log(site) == []


async def test_the_log_keeps_the_last_thousand_and_counts_all(site: Client) -> None:
    for _ in range(1005):
        async with site.get(HOME):
            pass
    async with site.get("/_practice/requests") as answer:
        report = await answer.json()
    assert (report["received"], len(report["requests"]), report["requests"][0]["number"]) == (1005, 1000, 6)
    assert report["most_at_once"] == 1


async def test_the_taxpayers_are_listed(site: Client) -> None:
    async with site.get("/_practice/taxpayers") as answer:
        assert RUC in [one["ruc"] for one in (await answer.json())["taxpayers"]]


async def test_it_says_its_address_serves_and_stops_on_sigterm_even_when_somebody_hangs() -> None:
    process = await start(
        {"PORT": "0", "PRACTICE_DELAY": "0", "PRACTICE_SWITCHES": '[{"switch": "hang", "step": "ficha"}]'}
    )
    assert process.stdout is not None
    try:
        line = (await process.stdout.readline()).decode()
        found = re.fullmatch(rf"practice site: (http://127\.0\.0\.1:\d+){re.escape(HOME)} \(delay factor 0\)\n", line)
        assert found is not None, line
        async with aiohttp.ClientSession() as session:
            async with session.get(f"{found[1]}{HOME}") as answer:
                assert answer.status == 200
            hanging = asyncio.ensure_future(session.post(f"{found[1]}{SERVICE}", data={"accion": "consPorRuc"}))
            while True:
                async with session.get(f"{found[1]}/_practice/requests", params={"step": "ficha"}) as answer:
                    if (await answer.json())["requests"]:
                        break
            process.send_signal(signal.SIGTERM)
            assert await process.wait() == 0
            with pytest.raises(aiohttp.ClientError):
                await hanging
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


@pytest.mark.parametrize(
    ("environment", "code", "says"),
    [
        ({"PORT": "x"}, 2, "practice site: PORT='x': expected a whole number from 0 to 65535"),
        ({"HOST": "203.0.113.1"}, 1, "practice site: cannot listen on 203.0.113.1:8900"),
    ],
)
async def test_it_says_in_one_line_why_it_cannot_start(environment: dict[str, str], code: int, says: str) -> None:
    process = await start(environment)
    _, errors = await process.communicate()
    assert process.returncode == code
    assert errors.decode().startswith(says)
    assert errors.count(b"\n") == 1


async def start(environment: dict[str, str]) -> asyncio.subprocess.Process:
    """The site as its own process."""
    return await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "scraper_backend.practice_site",
        env={**os.environ, **environment},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
