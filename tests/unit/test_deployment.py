"""What platforms are told: files that exist, a health check that is Tambo's own, and time enough to stop."""

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

from proxy.config.model import Config

ROOT = Path(__file__).parents[2]
LONGEST_STOP = Config().upstream.timeout.total
"""Seconds: drain_timeout, where nothing else is said."""


def railway(service: str) -> dict[str, Any]:
    return tomllib.loads((ROOT / "deploy" / "railway" / f"{service}.toml").read_text())


@pytest.mark.parametrize("service", ["proxy", "scraper"])
def test_railway_builds_what_is_there(service: str) -> None:
    file = railway(service)
    assert (ROOT / file["build"]["dockerfilePath"]).is_file()
    assert file["deploy"]["drainingSeconds"] > LONGEST_STOP


def test_railway_asks_tambo_and_not_the_upstream() -> None:
    text = (ROOT / "deploy" / "railway" / "proxy.toml").read_text()
    prefix = re.search(r"ADMIN_PREFIX=(\S+)", text)
    assert prefix is not None
    assert railway("proxy")["deploy"]["healthcheckPath"] == f"{prefix[1]}/readyz"


def test_render_builds_what_is_there_and_waits() -> None:
    text = (ROOT / "render.yaml").read_text()
    for path in re.findall(r"dockerfilePath: (\S+)", text):
        assert (ROOT / path).is_file()
    prefix = re.search(r"ADMIN_PREFIX, value: (\S+) ", text)
    assert prefix is not None
    assert f"healthCheckPath: {prefix[1]}/readyz" in text
    delays = [int(seconds) for seconds in re.findall(r"maxShutdownDelaySeconds: (\d+)", text)]
    assert len(delays) == 2
    assert min(delays) > LONGEST_STOP
    assert "volatile-ttl" in text


def test_images_are_nobodys_and_declare_no_volume() -> None:
    """Railway refuses to build an image that declares one."""
    for name in ("Dockerfile.proxy", "Dockerfile.scraper"):
        lines = (ROOT / name).read_text().splitlines()
        assert "USER 10001:10001" in lines
        assert not [line for line in lines if line.startswith("VOLUME")]


def test_our_containers_write_nothing_but_what_is_theirs() -> None:
    services = re.split(r"(?m)^  (?=[a-z]+:$)", (ROOT / "docker-compose.yml").read_text())
    ours = [text for text in services if "build:" in text]
    assert len(ours) == 3
    for text in ours:
        for line in ("read_only: true", "cap_drop: [ALL]", "no-new-privileges:true", "healthcheck:"):
            assert line in text


def said_of(service: str, key: str) -> int:
    """Seconds, in this service's own part of the compose file."""
    parts = re.split(r"(?m)^  (?=[a-z]+:$)", (ROOT / "docker-compose.yml").read_text())
    (own,) = [part for part in parts if part.startswith(f"{service}:\n")]
    (seconds,) = re.findall(rf"(?m)^ +{key}: (\d+)s\b", own)
    return int(seconds)


def test_compose_waits_for_what_is_in_flight() -> None:
    lame_duck = said_of("proxy", "TAMBO_STOPPING__LAME_DUCK")
    assert said_of("proxy", "stop_grace_period") > LONGEST_STOP + lame_duck
    assert said_of("scraper", "stop_grace_period") > said_of("scraper", "SCRAPER_DRAIN")


def test_systemd_waits_and_does_not_retry_what_cannot_work() -> None:
    unit = dict(
        line.split("=", 1)
        for line in (ROOT / "deploy" / "systemd" / "tambo.service").read_text().splitlines()
        if "=" in line and not line.startswith("#")
    )
    assert int(unit["TimeoutStopSec"]) > LONGEST_STOP
    assert unit["RestartPreventExitStatus"] == "2 3"
    assert unit["ExecStart"].endswith("tambo run")
