"""``tambo doctor`` before real servers: single, with few rights, with the wrong policy, Sentinel, Cluster, and none."""

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from proxy.cli.doctor_redis import trial
from tests.support.fleet import PATIENT
from tests.support.numbered import Numbered
from tests.support.redis_many import Cluster, Watched, ask
from tests.support.redis_rights import documented_commands, documented_user
from tests.support.redis_server import RedisServer, free_port
from tests.support.tambo import running

pytestmark = pytest.mark.integration

UNTRIED = {"SUBSCRIBE", "CLIENT|TRACKING", "SELECT", "ROLE", "CLUSTER|SLOTS", "ASKING"}
"""They would change the connection, or are tried by connecting."""


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as it:
        yield it


def doctor(folder: Path, redis: str = "", **environ: str) -> tuple[int, dict[str, Any]]:
    """Its exit code, and its findings by what they are about."""
    values = {"PATH": os.environ["PATH"], "PYTHONPATH": str(Path(__file__).parents[2])}
    values |= {"UPSTREAM_URL": "http://127.0.0.1:1", "ADMIN_PORT": str(free_port()), "DATA_DIR": str(folder / "data")}
    values |= PATIENT | ({"REDIS_URL": redis} if redis else {}) | environ
    command = [sys.executable, "-m", "proxy", "doctor", "--json"]
    done = subprocess.run(command, env=values, cwd=folder, capture_output=True, text=True, check=False, timeout=60)
    assert done.stderr == ""
    said = json.loads(done.stdout)
    assert said["ok"] == (done.returncode == 0)
    return done.returncode, {finding["about"]: finding for finding in said["findings"]}


def redis_only(findings: dict[str, Any]) -> dict[str, str]:
    """Last word of what was looked at, and its state: of Redis alone."""
    return {about.rpartition(" ")[2]: one["state"] for about, one in findings.items() if about.startswith("redis")}


def test_every_documented_command_is_tried() -> None:
    tried = {
        "|".join(word.decode() for word in command[: 2 if command[0] == b"CLIENT" else 1] if isinstance(word, bytes))
        for command in trial(b"{n}")
    }
    assert documented_commands() - UNTRIED == tried


def test_a_single_redis_and_what_is_wrong_with_it(tmp_path: Path, stack: ExitStack) -> None:
    server = stack.enter_context(RedisServer(tmp_path))
    url = f"redis://127.0.0.1:{server.port}/0"
    code, findings = doctor(tmp_path, url)
    assert (code, findings["upstream"]["state"]) == (1, "wrong")
    states = redis_only(findings)
    assert states.pop("memory") == "advice"
    assert set(states.values()) == {"ok"}
    assert ask(server, "CONFIG", "SET", "maxmemory", "100mb") == b"OK"
    assert ask(server, "CONFIG", "SET", "maxmemory-policy", "allkeys-lru") == b"OK"
    _, findings = doctor(tmp_path, url)
    assert "volatile-ttl" in findings[f"{url} memory"]["do"]
    assert redis_only(findings)["memory"] == "wrong"
    assert ask(server, "KEYS", "*doctor*") == [] or asyncio.run(_gone(server))


async def _gone(server: RedisServer) -> bool:
    async with asyncio.timeout(60):
        while ask(server, "KEYS", "*doctor*"):
            await asyncio.sleep(0.1)
    return True


def test_rights(tmp_path: Path, stack: ExitStack) -> None:
    server = stack.enter_context(RedisServer(tmp_path))
    url = f"redis://{documented_user(server)}@127.0.0.1:{server.port}/0"
    _, findings = doctor(tmp_path, url)
    shown = f"redis://127.0.0.1:{server.port}/0"
    assert findings[f"{shown} rights"]["state"] == "ok"
    assert "+INFO" in findings[shown]["do"]  # what it may not see it says
    assert ask(server, "ACL", "SETUSER", "tambo", "-zscan", "-eval") == b"OK"
    _, findings = doctor(tmp_path, url)
    assert findings[f"{shown} rights"]["said"] == "this user may not use EVAL, ZSCAN"
    assert (doctor(tmp_path, url.replace("a-password", "another"))[1][shown]["state"]) == "wrong"


def test_a_redis_that_is_not_there(tmp_path: Path) -> None:
    code, findings = doctor(tmp_path, f"redis://127.0.0.1:{free_port()}/0")
    assert code == 1
    assert [one["state"] for about, one in findings.items() if about.startswith("redis")] == ["wrong"]


def test_sentinel_and_cluster(tmp_path: Path, stack: ExitStack) -> None:
    for name in ("watched", "cluster"):
        (tmp_path / name).mkdir()
    watched = Watched(tmp_path / "watched", stack, replicas=1, sentinels=1)
    _, findings = doctor(tmp_path, watched.url())
    assert f"127.0.0.1:{watched.primary.port} the primary" in findings["topology"]["said"]
    assert redis_only(findings)["replicas"] == "ok"
    cluster = Cluster(tmp_path / "cluster", stack)
    _, findings = doctor(tmp_path, cluster.url())
    assert findings["topology"]["said"] == "Cluster of 3 primaries, all 16384 slots have their owner"
    assert len([about for about in findings if about.endswith(" rights")]) == 3
    assert ask(cluster.primaries[0], "CLUSTER", "DELSLOTS", "7") == b"OK"
    code, findings = doctor(tmp_path, f"redis+cluster://127.0.0.1:{cluster.primaries[0].port}")
    assert (code, "1 of 16384 slots" in findings["topology"]["said"]) == (1, True)


async def test_a_running_tambo_is_met_and_named(tmp_path: Path, stack: ExitStack) -> None:
    server = stack.enter_context(RedisServer(tmp_path))
    origin = Numbered(seconds=0)
    async with origin.serving() as upstream, running(tmp_path, upstream, REDIS_URL=server.url) as tambo:
        port = tambo.admin.rpartition(":")[2]
        environ = {"UPSTREAM_URL": upstream, "ADMIN_PORT": port}
        code, findings = await asyncio.to_thread(doctor, tmp_path, server.url, **environ)
        assert (code, findings["running Tambo"]["state"], findings["upstream"]["state"]) == (0, "ok", "ok")
        assert findings["Tambos"]["said"].startswith("1 share this Redis for this upstream now: ")
