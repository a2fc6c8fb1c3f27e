"""The table of keys: what leads, for how long, and that it stays small."""

from proxy.telemetry.keys import KeyTable, Order, merge_tops
from tests.support.clock import FakeClock


def count(table: KeyTable, key: str, requests: int = 0, seconds: float = 0.0, failures: int = 0) -> None:
    record = table.record(key, "r")
    record.requests += requests
    if seconds:
        record.fetches += 1
        record.seconds += seconds
        record.worst = max(record.worst, seconds)
    record.failures += failures
    record.failure = "timeout" if failures else record.failure


def keys(table: KeyTable, order: Order) -> list[str]:
    return [row["key"] for row in table.top(order)["keys"]]


def test_each_order_has_its_leaders_and_leaves_out_those_with_nothing() -> None:
    table = KeyTable(FakeClock())
    count(table, "hot", requests=9)
    count(table, "slow", requests=1, seconds=7.5)
    count(table, "slow", seconds=2.5)
    count(table, "bad", seconds=1.0, failures=2)
    assert keys(table, Order.HITS) == ["hot", "slow"]
    assert keys(table, Order.SLOW) == ["slow", "bad"]
    assert keys(table, Order.FAILING) == ["bad"]
    assert table.top(Order.SLOW)["keys"][0] == {
        "key": "slow",
        "route": "r",
        "requests": 1,
        "fetches": 2,
        "mean": 5.0,
        "worst": 7.5,
        "failures": 0,
        "failure": None,
    }


def test_what_is_told_is_of_the_last_one_or_two_windows() -> None:
    clock = FakeClock()
    table = KeyTable(clock, window=10.0)
    count(table, "a", requests=1)
    clock.advance(11)
    count(table, "b", requests=2)
    assert keys(table, Order.HITS) == ["b", "a"]
    assert table.top(Order.HITS)["seconds"] == 11
    clock.advance(11)
    count(table, "a", requests=1)
    assert keys(table, Order.HITS) == ["b", "a"]
    clock.advance(1000)
    assert table.top(Order.HITS) == {"order": "hits", "seconds": 0, "keys": []}


def test_it_stays_small_and_leaders_stay_in_it() -> None:
    table = KeyTable(FakeClock(), most=30)
    for number in range(5000):
        count(table, "hot", requests=1)
        count(table, f"once-{number}", requests=1)
        if number == 7:
            count(table, "slow", seconds=30.0)
            count(table, "bad", failures=3)
        assert len(table._young) <= 60
    assert keys(table, Order.HITS)[0] == "hot"
    assert table.top(Order.HITS)["keys"][0]["requests"] == 5000
    assert keys(table, Order.SLOW) == ["slow"]
    assert keys(table, Order.FAILING) == ["bad"]


def test_a_long_key_is_cut() -> None:
    table = KeyTable(FakeClock())
    count(table, "/" * 10_000, requests=1)
    assert len(keys(table, Order.HITS)[0]) == 503


def test_several_processes_are_one() -> None:
    clock = FakeClock()
    tables = [KeyTable(clock), KeyTable(clock)]
    count(tables[0], "a", requests=3, seconds=2.0)
    count(tables[1], "b", requests=4)
    count(tables[1], "a", requests=2, seconds=4.0, failures=1)
    merged = merge_tops([table.top(Order.HITS) for table in tables])
    assert [(row["key"], row["requests"], row["mean"], row["worst"]) for row in merged["keys"]] == [
        ("a", 5, 3.0, 4.0),
        ("b", 4, None, None),
    ]
    assert merged["keys"][0]["failure"] == "timeout"


def test_how_often_one_key_was_answered_lately() -> None:
    clock = FakeClock()
    table = KeyTable(clock, window=10.0)
    count(table, "a", requests=3)
    count(table, "a", requests=4)
    clock.advance(11)
    assert (table.requests_of("a"), table.requests_of("b")) == (7, None)
    clock.advance(11)
    assert table.requests_of("a") is None
