"""The practice site over real sockets: its pages, its guards, its delays."""

import re

import aiohttp
import pytest

from scraper_backend.practice_site.app import make_app
from scraper_backend.practice_site.markup import HOME
from scraper_backend.practice_site.settings import Settings
from tests.support.practice_site import RUC, SERVICE, Client, Clients, Hands, ask, log, switch

pytestmark = pytest.mark.integration


@pytest.fixture
def hands() -> Hands:
    return Hands()


@pytest.fixture
async def site(aiohttp_client: Clients, hands: Hands) -> Client:
    return await aiohttp_client(make_app(Settings(delay=0), hands.world))


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
