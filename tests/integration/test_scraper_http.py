"""The API with the plain HTTP engine against the practice site: every fixture, every failure switch."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from scraper_backend.http_engine import HttpEngine
from scraper_backend.practice_site.fixtures import FIXTURES, UNREGISTERED_RUC
from scraper_backend.settings import Settings
from tests.support.sunat import (
    TROUBLES,
    Client,
    Trouble,
    api,
    arm,
    asked,
    check,
    eventually,
    expected,
    origin,
    practice_site,
)

pytestmark = pytest.mark.integration

BASE = Settings(
    engine="http", pace=0, retry_pause=0.01, firewall_pause=0.01, step_timeout=4.0, deadline=20, breaker_after=1000
)


@pytest.fixture
async def site() -> AsyncIterator[Client]:
    """The practice site."""
    async with practice_site() as client:
        yield client


@pytest.fixture
async def client(site: Client) -> AsyncIterator[Client]:
    """The API in front of it."""
    settings = replace(BASE, site=origin(site))
    async with api(HttpEngine(settings), settings) as made:
        yield made


@pytest.mark.parametrize("ruc", FIXTURES)
async def test_answers_every_fixture(client: Client, ruc: str) -> None:
    answer = await client.get(f"/obtener-ruc/{ruc}")
    assert answer.status == 200
    assert await answer.json() == expected(FIXTURES[ruc])


@pytest.mark.parametrize("trouble", [t for t in TROUBLES if t.http], ids=lambda trouble: trouble.name)
async def test_every_failure_has_an_honest_answer(site: Client, trouble: Trouble) -> None:
    settings = replace(BASE, site=origin(site), step_timeout=1.5 if trouble.is_silent else BASE.step_timeout)
    async with api(HttpEngine(settings), settings) as client:
        await check(site, client, trouble, FIXTURES[trouble.ruc], browser=False)


async def test_the_answer_is_utf_8_without_escapes_or_cache_headers(client: Client) -> None:
    answer = await client.get("/api/integracion-sunat/obtener-ruc/10999999021")
    assert "MUÑOZ DEMO ÍTALO" in (await answer.read()).decode("utf-8")
    assert answer.headers["Content-Type"] == "application/json; charset=utf-8"
    assert not {"Cache-Control", "Expires", "ETag", "Last-Modified", "Vary", "Server"} & set(answer.headers)
    keys = list((await answer.json()).keys())
    assert keys == list(expected(FIXTURES["10999999021"]))


async def test_an_unregistered_number_is_asked_for_once(site: Client, client: Client) -> None:
    await arm(site)
    answer = await client.get(f"/obtener-ruc/{UNREGISTERED_RUC}")
    assert answer.status == 404
    assert await answer.json() == {
        "message": "Error al consultar RUC",
        "detail": "El RUC no está registrado en SUNAT.",
        "ruc": UNREGISTERED_RUC,
    }
    assert len(await asked(site, step="ficha")) == 1


@pytest.mark.parametrize("text", ["20123456789", "2099999901", "209999990190", "abc", "٢٠٩٩٩٩٩٩٠١٩", "12345678901"])
async def test_what_is_no_ruc_never_reaches_the_site(site: Client, client: Client, text: str) -> None:
    await arm(site)
    answer = await client.get(f"/obtener-ruc/{text}")
    assert answer.status == 400
    assert (await answer.json())["ruc"] == text
    assert await asked(site) == []


async def test_natural_persons_are_not_asked_for_representatives(site: Client, client: Client) -> None:
    await arm(site)
    await client.get("/obtener-ruc/10999999013")
    assert [entry["step"] for entry in await asked(site)] == ["form", "ficha", "workers"]


async def test_a_session_is_one_visitor_with_a_browsers_headers(site: Client, client: Client) -> None:
    await arm(site)
    await client.get("/obtener-ruc/20999999019")
    visit = await asked(site)
    assert [entry["step"] for entry in visit] == ["form", "ficha", "workers", "representatives"]
    assert len({entry["session"] for entry in visit[1:]}) == 1
    for entry in visit[1:]:
        headers = entry["headers"]
        assert headers["Origin"] == origin(site)
        assert headers["Referer"].startswith(origin(site))
        assert (headers["Sec-Fetch-Mode"], headers["Sec-Fetch-Site"]) == ("navigate", "same-origin")
    assert "HeadlessChrome" not in str(visit)


async def test_two_look_ups_share_no_session(site: Client, client: Client) -> None:
    await arm(site)
    await asyncio.gather(*(client.get(f"/obtener-ruc/{ruc}") for ruc in ("20999999019", "20999999027")))
    owners: dict[str, set[str]] = {}
    for entry in await asked(site):
        if entry["step"] != "form":
            owners.setdefault(entry["session"], set()).add(entry["ruc"])
    assert sorted(map(len, owners.values())) == [1, 1]


async def test_a_second_look_up_waits_for_its_turn_and_a_third_is_sent_away(site: Client) -> None:
    await arm(site, {"switch": "delay", "seconds": 0.3, "step": "form"})
    settings = replace(BASE, site=origin(site), sessions=1, queue=1)
    async with api(HttpEngine(settings), settings) as client:
        first = asyncio.ensure_future(client.get("/obtener-ruc/20999999019"))
        second = asyncio.ensure_future(client.get("/obtener-ruc/20999999027"))

        async def both_are_in() -> bool:
            sessions = (await (await client.get("/health")).json())["sessions"]
            return bool(sessions == {"size": 1, "in_use": 1, "waiting": 1})

        await eventually(both_are_in)
        third = await client.get("/obtener-ruc/20999999035")
        assert (third.status, third.headers["Retry-After"]) == (503, "10")
        assert "ocupadas" in (await third.json())["detail"]
        assert [(await answer).status for answer in (first, second)] == [200, 200]


async def test_the_wait_for_a_session_has_an_end(site: Client) -> None:
    await arm(site, {"switch": "hang", "ruc": "20999999019"})
    settings = replace(BASE, site=origin(site), sessions=1, queue_timeout=0.05, step_timeout=2.0)
    async with api(HttpEngine(settings), settings) as client:
        first = asyncio.ensure_future(client.get("/obtener-ruc/20999999019"))
        await eventually(lambda: asked(site, step="ficha"))
        second = await client.get("/obtener-ruc/20999999027")
        assert second.status == 503
        assert (await first).status == 504


async def test_the_deadline_ends_a_look_up(site: Client) -> None:
    await arm(site, {"switch": "hang", "step": "ficha"})
    settings = replace(BASE, site=origin(site), deadline=0.3, step_timeout=30)
    async with api(HttpEngine(settings), settings) as client:
        answer = await client.get("/obtener-ruc/20999999019")
        assert answer.status == 504
        assert (await answer.json())["detail"] == "SUNAT no respondió en 0.3 segundos."


async def test_the_deadline_leaves_what_is_known_already(site: Client) -> None:
    await arm(site, {"switch": "hang", "step": "workers"})
    settings = replace(BASE, site=origin(site), deadline=3.0, step_timeout=30)
    async with api(HttpEngine(settings), settings) as client:
        answer = await client.get("/obtener-ruc/20999999019")
        body = await answer.json()
        assert answer.status == 200
        assert body["razonSocial"] == FIXTURES["20999999019"].name
        assert "trabajadores" in body["error"]
        assert "representante" in body["error"]


async def test_no_pause_is_begun_that_the_deadline_would_cut(site: Client) -> None:
    await arm(site, {"switch": "request-rejected", "step": "ficha"})
    settings = replace(BASE, site=origin(site), deadline=5.0, firewall_pause=35)
    async with api(HttpEngine(settings), settings) as client:
        async with asyncio.timeout(4):
            answer = await client.get("/obtener-ruc/20999999019")
        assert (answer.status, answer.headers["Retry-After"]) == (503, "60")
        assert len(await asked(site, step="ficha")) == 1


async def test_resets_open_the_breaker_and_one_page_closes_it(site: Client) -> None:
    await arm(site, {"switch": "reset"})
    settings = replace(BASE, site=origin(site), breaker_after=2, breaker_open=0.5)
    async with api(HttpEngine(settings), settings) as client:
        for _ in range(2):
            assert (await client.get("/obtener-ruc/20999999019")).status == 503
        await arm(site)
        refused = await client.get("/obtener-ruc/20999999019")
        assert (refused.status, refused.headers["Retry-After"]) == (503, "1")
        assert await asked(site) == []

        async def answers() -> bool:
            return (await client.get("/obtener-ruc/20999999019")).status == 200

        await eventually(answers)
        assert await answers()


async def test_a_rate_limit_of_the_site_is_a_refusal(site: Client, client: Client) -> None:
    await arm(site, {"switch": "rate-limit", "per_minute": 5, "seconds": 60})
    assert (await client.get("/obtener-ruc/20999999019")).status == 200
    answer = await client.get("/obtener-ruc/20999999027")
    assert (answer.status, answer.headers["Retry-After"]) == (503, "60")


async def test_the_sites_own_retry_after_is_passed_on(site: Client, client: Client) -> None:
    await arm(site, {"switch": "status", "status": 429, "retry_after": 77, "step": "ficha"})
    answer = await client.get("/obtener-ruc/20999999019")
    assert (answer.status, answer.headers["Retry-After"]) == (503, "77")


async def test_a_client_that_leaves_does_not_keep_the_session(site: Client, client: Client) -> None:
    await arm(site, {"switch": "delay", "seconds": 0.2, "step": "ficha"})
    leaving = asyncio.ensure_future(client.get("/obtener-ruc/20999999019"))
    await eventually(lambda: asked(site, step="ficha"))
    leaving.cancel()

    async def nobody_is_in() -> bool:
        return bool((await (await client.get("/health")).json())["sessions"]["in_use"] == 0)

    await eventually(nobody_is_in)
    assert (await client.get("/obtener-ruc/20999999027")).status == 200


async def test_a_site_that_is_not_there() -> None:
    settings = replace(BASE, site="http://127.0.0.1:9")
    async with api(HttpEngine(settings), settings) as client:
        answer = await client.get("/obtener-ruc/20999999019")
        assert answer.status == 503
        assert "127.0.0.1" not in await answer.text()


@pytest.mark.parametrize("path", ["/", "/obtener-ruc/", "/obtener-ruc/20999999019/x"])
async def test_unknown_paths_have_the_same_shape(client: Client, path: str) -> None:
    answer = await client.get(path)
    assert answer.status == 404
    assert await answer.json() == {
        "message": "Ruta desconocida",
        "detail": "Use /obtener-ruc/{ruc} o /health.",
        "ruc": None,
    }


async def test_other_methods_are_refused_by_name(client: Client) -> None:
    answer = await client.post("/obtener-ruc/20999999019")
    assert (answer.status, answer.headers["Allow"]) == (405, "GET,HEAD")
    assert "POST" in (await answer.json())["detail"]


async def test_health(client: Client) -> None:
    answer = await client.get("/health")
    assert await answer.json() == {
        "status": "healthy",
        "engine": "http",
        "sessions": {"size": 2, "in_use": 0, "waiting": 0},
    }
