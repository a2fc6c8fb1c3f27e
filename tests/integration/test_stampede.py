"""The comparison with other caches, run as users run it, small and with Tambo alone."""

import asyncio
import json
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.integration

ROOT = Path(__file__).parents[2]
CLIENTS = 20
SECONDS = 1.0


async def run(*arguments: str) -> tuple[int, str, str]:
    """Exit code, what was printed, and what was complained about."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "bench/stampede.py", *arguments),
        cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    output, errors = await process.communicate()
    assert process.returncode is not None
    return process.returncode, output.decode(), errors.decode()


SMALL = ("--only", "tambo", "--seconds", f"{SECONDS:g}", "--clients", f"{CLIENTS}", "--patience", "30")


async def test_a_small_stampede() -> None:
    code, output, errors = await run(*SMALL, "--json")
    assert (code, errors) == (0, "")
    plays = {one["play"]: one for one in json.loads(output)["results"]}
    assert plays["storable"]["answers"] == plays["private"]["answers"] == {"200": CLIENTS}
    assert plays["error"]["answers"] == {"500": CLIENTS}
    assert plays["storable"]["upstream_requests"] == plays["error"]["upstream_requests"] == 1
    assert plays["private"]["upstream_requests"] == CLIENTS
    for one in plays.values():
        assert SECONDS <= one["first"] <= one["median"] <= one["last"]


async def test_it_says_how_it_was_scaled_and_prints_a_table() -> None:
    code, output, _ = await run(*SMALL)
    assert code == 0
    assert "30 s scaled by 1:30" in output
    assert "The caches' own time limits are not scaled" in output
    assert output.count("| Tambo ") == 3


async def test_a_cache_that_it_does_not_know_is_a_mistake() -> None:
    code, _, errors = await run("--only", "tambo,apache")
    assert code == 2
    assert "there is no apache" in errors
