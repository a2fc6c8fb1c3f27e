"""What Redis's words mean for a Tambo."""

import pytest

from proxy.cli import doctor_judge as judge
from proxy.cli.findings import State

OK, ADVICE, WRONG = State.OK, State.ADVICE, State.WRONG


def test_info_is_read_line_by_line() -> None:
    text = "# Server\r\nredis_version:7.0.15\r\n\r\n# Memory\r\nmaxmemory_policy:noeviction\r\n"
    text += "executable:/a:b\r\nnonsense\r\n"
    assert judge.read_info(text) == {
        "redis_version": "7.0.15",
        "maxmemory_policy": "noeviction",
        "executable": "/a:b",
    }


@pytest.mark.parametrize(
    ("info", "state", "said"),
    [
        ({"redis_version": "7.0.15"}, OK, "Redis 7.0.15"),
        ({"redis_version": "7.2.4", "server_name": "valkey", "valkey_version": "8.1.0"}, OK, "Valkey 8.1.0"),
        ({"redis_version": "10.1.0"}, OK, "Redis 10.1.0"),
        ({"redis_version": "6.2.14"}, WRONG, "Redis 6.2.14"),
        ({}, WRONG, "Redis of no known version"),
    ],
)
def test_versions(info: dict[str, str], state: State, said: str) -> None:
    finding = judge.judge_version("r", info)
    assert (finding.state, finding.said) == (state, said)


@pytest.mark.parametrize(
    ("policy", "most", "used", "state"),
    [
        ("noeviction", 0, 1, ADVICE),
        ("volatile-ttl", 100, 1, OK),
        ("noeviction", 100, 1, OK),
        ("volatile-ttl", 100, 95, ADVICE),
        ("allkeys-lru", 100, 1, WRONG),
        ("volatile-random", 100, 1, WRONG),
        ("volatile-lru", 100, 1, WRONG),
        ("volatile-lfu", 100, 1, WRONG),
    ],
)
def test_memory(policy: str, most: int, used: int, state: State) -> None:
    info = {"maxmemory_policy": policy, "maxmemory": str(most * 2**20), "used_memory": str(used * 2**20)}
    finding = judge.judge_memory("r", info)
    assert finding.state is state
    assert ("volatile-ttl" in finding.do) == (state is WRONG or not most)


@pytest.mark.parametrize(
    ("info", "state"),
    [
        ({"aof_enabled": "1", "aof_last_write_status": "ok"}, OK),
        ({"aof_enabled": "1", "aof_last_write_status": "err"}, WRONG),
        ({"aof_enabled": "0", "rdb_last_bgsave_status": "err"}, WRONG),
        ({"aof_enabled": "0"}, ADVICE),
    ],
)
def test_persistence(info: dict[str, str], state: State) -> None:
    assert judge.judge_persistence("r", info).state is state


@pytest.mark.parametrize(("seconds", "state"), [([0.001] * 9, OK), ([0.001] * 8 + [0.06], ADVICE), ([0.03] * 9, WRONG)])
def test_latency(seconds: list[float], state: State) -> None:
    finding = judge.judge_latency("r", seconds, 0.05)
    assert finding.state is state
    assert ("store.redis_timeout" in finding.do) == (state is not OK)


@pytest.mark.parametrize(
    ("skew", "uncertain", "state"),
    [(0.01, 0.001, OK), (-1.9, 0.001, OK), (3.0, 0.1, WRONG), (-3.0, 0.1, WRONG), (3, 2, OK)],
)
def test_clocks(skew: float, uncertain: float, state: State) -> None:
    finding = judge.judge_skew("r", skew, uncertain)
    assert finding.state is state
    assert ("ahead of" in finding.said) == (skew > 0)


@pytest.mark.parametrize(("ahead", "state"), [(-100.0, OK), (1.0, OK), (60.0, WRONG)])
def test_the_future(ahead: float, state: State) -> None:
    assert judge.judge_future("r", ahead, 5).state is state


def test_a_cluster() -> None:
    assert judge.judge_slots("r", 3, 0).state is OK
    assert judge.judge_slots("r", 2, 5461).state is WRONG
    assert judge.judge_replicas("r", {"connected_slaves": "2"}).said == "2 replicas can take over"
    assert judge.judge_replicas("r", {"connected_slaves": "0"}).state is ADVICE
