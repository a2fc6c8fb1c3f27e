"""Every shape in which an older API hid an error in a 200, through all of Tambo with the bundled configuration."""

import json
from pathlib import Path

import pytest

from tests.support.wired import saying, wired
from tests.unit.config.test_scraper_file import ERROR, GOOD, NOTHING_READ

pytestmark = pytest.mark.integration

CONFIG = str(Path(__file__).parents[2] / "tambo.scraper.toml")
PATHS = ("/obtener-ruc/20999999019", "/api/integracion-sunat/obtener-ruc/20999999019")


def a_200(body: object) -> bytes:
    content = json.dumps(body, ensure_ascii=False).encode()
    head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(content)
    return head + content


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(
    "body",
    [
        pytest.param(ERROR, id="message, detail, ruc"),
        pytest.param({"detail": ERROR}, id="nested under detail"),
        pytest.param([ERROR, 400], id="a pair that became an array"),
        pytest.param(NOTHING_READ, id="Sin datos everywhere"),
        pytest.param(GOOD | {"razonSocial": "Error en consulta", "error": "timeout"}, id="the internal error record"),
        pytest.param({"detail": "Not Found"}, id="the framework's own"),
    ],
)
async def test_an_error_in_a_200_is_relayed_as_it_is_and_never_kept(tmp_path: Path, path: str, body: object) -> None:
    response = a_200(body)
    async with wired(tmp_path, saying(response), TAMBO_CONFIG=CONFIG) as wire:
        for times in (1, 2, 3):
            answer = await wire.get(path)
            assert answer.startswith(b"HTTP/1.1 200 ")
            assert b"\r\nCache-Status: tambo; fwd=uri-miss; fwd-status=200; detail=verdict-failure\r\n" in answer
            assert answer.partition(b"\r\n\r\n")[2] == response.partition(b"\r\n\r\n")[2]
            assert len(wire.seen) == times, "it was kept"


async def test_a_taxpayer_is_kept_under_both_paths(tmp_path: Path) -> None:
    async with wired(tmp_path, saying(a_200(GOOD)), TAMBO_CONFIG=CONFIG) as wire:
        assert b"\r\nX-Cache: MISS\r\n" in await wire.get(PATHS[0])
        for path in PATHS:
            assert b"\r\nX-Cache: HIT\r\n" in await wire.get(path)
        assert len(wire.seen) == 1
