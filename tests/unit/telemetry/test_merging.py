"""Several processes' metrics as one: sums that never fall, gauges as the table says."""

import pytest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.parser import text_string_to_metric_families

from proxy.telemetry.merging import GAUGES, Ledger
from proxy.telemetry.metrics import TamboCollector, exposition
from proxy.telemetry.observer import Telemetry
from tests.unit.telemetry.test_metrics import SOURCES, a_hit


def told(hits: int) -> str:
    telemetry = Telemetry()
    for _ in range(hits):
        telemetry.exchanged(a_hit())
    return exposition(TamboCollector(telemetry, SOURCES)).decode()


def samples(text: str) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def test_one_process_is_told_as_it_tells_itself() -> None:
    ledger = Ledger()
    ledger.note(1, told(3))
    assert samples(ledger.exposition().decode()) == samples(told(3))


def test_counters_and_histograms_are_summed_and_stay_when_a_process_has_gone() -> None:
    ledger = Ledger()
    ledger.note(1, told(3))
    ledger.note(2, told(4))
    together = samples(ledger.exposition().decode())
    ledger.note(1, told(5))
    ledger.depart(1)
    ledger.depart(1)
    ledger.note(3, told(1))
    later = samples(ledger.exposition().decode())
    labels = (("method", "GET"), ("result", "hit"), ("route", "ruc"), ("status_class", "2xx"))
    assert (together["tambo_requests_total", labels], later["tambo_requests_total", labels]) == (7, 10)
    count = ("tambo_request_duration_seconds_count", (("result", "hit"), ("route", "ruc")))
    assert (together[count], later[count]) == (7, 10)


@pytest.mark.parametrize(
    ("name", "labels", "first", "second", "expected"),
    [
        ("tambo_upstream_inflight", {}, 2, 3, 5),
        ("tambo_store_bytes", {"tier": "memory"}, 2, 3, 5),
        ("tambo_store_bytes", {"tier": "disk"}, 2, 3, 3),
        ("tambo_store_up", {"tier": "redis"}, 0, 1, 0),
        ("tambo_breaker_state", {"route": "ruc"}, 0, 2, 2),
        ("tambo_config_generation", {}, 4, 4, 4),
        ("tambo_event_loop_lag_seconds", {}, 0.5, 0.01, 0.5),
    ],
)
def test_gauges_are_of_those_who_are_there(
    name: str, labels: dict[str, str], first: float, second: float, expected: float
) -> None:
    def gauge(value: float) -> str:
        said = ",".join(f'{key}="{word}"' for key, word in labels.items())
        return f"# HELP {name} x\n# TYPE {name} gauge\n{name}{{{said}}} {value}\n"

    ledger = Ledger()
    ledger.note(1, gauge(first))
    ledger.note(2, gauge(second))
    key = (name, tuple(labels.items()))
    assert samples(ledger.exposition().decode())[key] == expected
    ledger.depart(1)
    assert samples(ledger.exposition().decode())[key] == second


def test_every_gauge_has_its_rule() -> None:
    gauges = {family.name for family in text_string_to_metric_families(told(1)) if family.type == "gauge"}
    assert gauges <= GAUGES


def test_what_is_told_besides_is_summed_with_what_processes_tell_under_the_same_name() -> None:
    ledger = Ledger()
    ledger.note(1, "# HELP tambo_x_total x\n# TYPE tambo_x_total counter\ntambo_x_total 2\n")
    text = ledger.exposition([CounterMetricFamily("tambo_x", "x", value=3)]).decode()
    assert samples(text)["tambo_x_total", ()] == 5
    assert text.count("# TYPE tambo_x_total") == 1
    assert samples(ledger.exposition().decode())["tambo_x_total", ()] == 2


def test_more_stands_behind() -> None:
    text = Ledger().exposition([GaugeMetricFamily("tambo_workers", "x", value=2)]).decode()
    assert "tambo_workers 2.0" in text
