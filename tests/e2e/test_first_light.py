"""The main job from end to end: ``scripts/run`` as a newcomer starts it, a real browser, a restart in between."""

import json
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest

from tests.support.first_look import FirstLook
from tests.support.tambo import fetch

pytestmark = pytest.mark.e2e


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(120)) as it:
        yield it


@pytest.mark.parametrize("engine", ["selenium", "http"])
async def test_the_second_answer_is_a_hit_and_survives_a_restart(
    tmp_path: Path, session: aiohttp.ClientSession, engine: str
) -> None:
    look = FirstLook(tmp_path, SCRAPER_ENGINE=engine)
    url = f"{look.url}/obtener-ruc/20999999019"
    async with look.running():
        status, fields, body = await fetch(session, url)
        assert (status, fields["X-Cache"]) == (200, "MISS")
        assert json.loads(body)["razonSocial"] == "ALFARERIA DE PRUEBA EL CANTARO S.A.C."
        status, fields, again = await fetch(session, url)
        assert (status, fields["X-Cache"], again) == (200, "HIT", body)
        other_path = f"{look.url}/api/integracion-sunat/obtener-ruc/20999999019"
        assert (await fetch(session, other_path))[1]["X-Cache"] == "HIT"
    async with look.running():
        status, fields, after = await fetch(session, url)
        assert (status, fields["X-Cache"], after) == (200, "HIT", body)


async def test_the_scrapers_honest_errors_are_relayed_and_not_kept(
    tmp_path: Path, session: aiohttp.ClientSession
) -> None:
    look = FirstLook(tmp_path, SCRAPER_ENGINE="http")
    async with look.running():
        base = f"{look.url}/obtener-ruc"
        assert [(await fetch(session, f"{base}/20123456789"))[0] for _ in range(2)] == [400, 400]
        missing = [(await fetch(session, f"{base}/20000000001"))[:2] for _ in range(2)]
        assert [(status, fields["X-Cache"]) for status, fields in missing] == [(404, "MISS"), (404, "HIT")]
