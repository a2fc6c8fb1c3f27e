"""Prometheus for real: promtool accepts the rules, and a server on the compose file's configuration evaluates them."""

import asyncio
import subprocess
from pathlib import Path

import aiohttp
import pytest

from tests.support.api import Api, serving
from tests.support.prometheus import Prometheus, prometheus
from tests.support.tambo import fetch, running

pytestmark = pytest.mark.integration
ROOT = Path(__file__).parents[2]


def promtool(*words: str) -> str:
    done = subprocess.run(["promtool", *words], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_rules_are_valid() -> None:
    assert "15 rules found" in promtool("check", "rules", "rules.yml")


def test_the_configuration_is_valid_and_finds_its_rules() -> None:
    assert "1 rule files found" in promtool("check", "config", "prometheus.yml")


def test_the_rules_do_what_they_say() -> None:
    assert "SUCCESS" in promtool("test", "rules", "tests/rules/rules_test.yml")


async def test_a_server_on_the_compose_files_configuration_scrapes_and_evaluates(tmp_path: Path) -> None:
    api = Api()
    async with serving(api) as upstream, running(tmp_path, upstream) as tambo, aiohttp.ClientSession() as session:
        for _ in range(4):
            await fetch(session, f"{tambo.url}/json/a")
        with prometheus(tmp_path, configured(tmp_path, tambo.admin.removeprefix("http://"))) as server:
            await until(server, 'up{job="tambo"}', "1")
            await until(server, 'sum(tambo_requests_total{result="hit"})', "3")
            for _ in range(4):
                await fetch(session, f"{tambo.url}/json/a")
            await until_there(server, "tambo:hit_ratio:rate5m")
            rules = [rule for group in server.get("rules")["groups"] for rule in group["rules"]]
            assert len(rules) == 15
            assert {rule["health"] for rule in rules} == {"ok"}
            assert [rule["name"] for rule in rules if rule.get("state") == "firing"] == []


def configured(folder: Path, target: str) -> Path:
    """The compose file's configuration for a Tambo at another address, in less of a hurry's time."""
    (folder / "rules.yml").write_text((ROOT / "rules.yml").read_text())
    text = (ROOT / "prometheus.yml").read_text()
    for old, new in (("proxy:8081", target), ("scrape_interval: 5s", "scrape_interval: 1s"), ("15s", "1s")):
        assert old in text
        text = text.replace(old, new)
    path = folder / "prometheus.yml"
    path.write_text(text)
    return path


async def until(server: Prometheus, query: str, value: str) -> None:
    while [sample["value"][1] for sample in await asyncio.to_thread(server.query, query)] != [value]:
        await asyncio.sleep(0.1)


async def until_there(server: Prometheus, query: str) -> None:
    while not await asyncio.to_thread(server.query, query):
        await asyncio.sleep(0.1)
