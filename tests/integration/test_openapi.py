"""The admin API is what /openapi.json says: Schemathesis asks a real Tambo, bounded, by every operation of it."""

import asyncio
import sys
from pathlib import Path

import aiohttp
import jsonschema
import pytest

from tests.support.tambo import fetch, running

pytestmark = [pytest.mark.integration, pytest.mark.timeout(280)]
CONFIG = Path(__file__).with_name("schemathesis.toml")


async def test_schemathesis_finds_nothing(tmp_path: Path) -> None:
    async with running(tmp_path, "http://127.0.0.1:9", ADMIN_TOKEN="s3cret") as tambo:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "schemathesis.cli", "--config-file", str(CONFIG)),
            *("run", f"{tambo.admin}/openapi.json", "--url", tambo.admin, "--no-color"),
            *("-H", "Authorization: Bearer s3cret", "--request-timeout", "20"),
            cwd=tmp_path,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        said, _ = await process.communicate()
        assert process.returncode == 0, said.decode()


async def test_what_is_answered_is_as_described(tmp_path: Path) -> None:
    """The answers that ``--json`` prints, against their schemas."""
    async with running(tmp_path, "http://127.0.0.1:9") as tambo, aiohttp.ClientSession() as session:
        async with session.get(f"{tambo.admin}/openapi.json") as answer:
            document = await answer.json()
        question = {"method": "GET", "url": "/a"}
        for method, path, body, name in (
            ("GET", "/admin/stats", None, "Stats"),
            ("GET", "/admin/top?by=failing", None, "Top"),
            ("POST", "/admin/explain", question, "Explanation"),
            ("GET", "/admin/mode", None, "Mode"),
            ("GET", "/admin/entries", None, "Entries"),
            ("POST", "/admin/purge", {"all": True, "dry_run": True}, "Purged"),
            ("GET", "/admin/purges", None, "Purges"),
            ("GET", "/admin/jobs", None, "Jobs"),
            ("GET", "/health", None, "Health"),
        ):
            async with session.request(method, tambo.admin + path, json=body) as answer:
                assert answer.status == 200
                said = await answer.json()
            schema = {"$ref": f"#/components/schemas/{name}", "components": document["components"]}
            jsonschema.validate(said, schema)
        status, _, _ = await fetch(session, f"{tambo.admin}/admin/explain", "POST", json={"url": "http://[/"})
        assert status == 400
