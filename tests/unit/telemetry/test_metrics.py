"""The text that Prometheus reads, and that it holds every metric under its name."""

from prometheus_client.parser import text_string_to_metric_families

from proxy.exchange.causes import Cause
from proxy.exchange.ports import Exchanged, Fetched
from proxy.policy import dispositions
from proxy.policy.disposition import ForwardReason, NotStoredReason, StaleReason, Verdict
from proxy.telemetry.counters import Histogram
from proxy.telemetry.metrics import Sources, TamboCollector, TierGauges, UpstreamGauges, exposition
from proxy.telemetry.observer import Telemetry
from tests.support.builders import a_request

SOURCES = Sources(
    lambda: UpstreamGauges(2, 3, {"queue-full": 1}, {"ruc": 4}, 2),
    lambda: {"memory": TierGauges(True, 10, 1, 4, {("get", "hit"): 5}, {"get": Histogram((0.1,), (4, 1), 2.0)})},
    lambda: {"checksum": 6},
    lambda: "offline",
    lambda: 3,
    lambda: 0.25,
    lambda: 7,
    "1.2.3",
)


def scrape(telemetry: Telemetry) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    text = exposition(TamboCollector(telemetry, SOURCES)).decode()
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def value(telemetry: Telemetry, name: str, **labels: str) -> float:
    return scrape(telemetry)[name, tuple(sorted(labels.items()))]


def a_hit(method: str = "GET", saved: float = 12.5) -> Exchanged:
    return Exchanged(a_request(method=method), "ruc", dispositions.hit(5), 200, 0.002, saved_seconds=saved)


def test_requests_are_counted_by_what_became_of_them() -> None:
    telemetry = Telemetry()
    telemetry.exchanged(a_hit())
    telemetry.exchanged(a_hit())
    labels = {"route": "ruc", "method": "GET", "result": "hit", "status_class": "2xx"}
    assert value(telemetry, "tambo_requests_total", **labels) == 2
    assert value(telemetry, "tambo_upstream_seconds_saved_total", route="ruc", by="hit") == 25
    buckets = {"route": "ruc", "result": "hit"}
    assert value(telemetry, "tambo_request_duration_seconds_bucket", **buckets, le="0.001") == 0
    assert value(telemetry, "tambo_request_duration_seconds_bucket", **buckets, le="0.0025") == 2
    assert value(telemetry, "tambo_request_duration_seconds_count", **buckets) == 2


def test_methods_that_clients_make_up_share_one_label() -> None:
    telemetry = Telemetry()
    for number in range(100):
        telemetry.exchanged(a_hit(method=f"M{number}"))
    assert list(telemetry.requests) == [("ruc", "other", "hit", "2xx")]


def test_every_metric_is_there_under_its_name() -> None:
    telemetry = Telemetry()
    telemetry.exchanged(a_hit())
    telemetry.exchanged(Exchanged(a_request(), "ruc", dispositions.collapsed(ForwardReason.URI_MISS), 200, 1))
    telemetry.fetched(Fetched("ruc", Cause.MISS, "2xx", 3))
    telemetry.waited(1)
    telemetry.not_stored("ruc", NotStoredReason.PRIVATE)
    telemetry.judged("ruc", Verdict.FAILURE)
    telemetry.stale_served("ruc", StaleReason.ERROR)
    telemetry.purged("url", "soft", 3)
    names = {name for name, _ in scrape(telemetry)}
    assert names >= {
        "tambo_requests_total",
        "tambo_request_duration_seconds_sum",
        "tambo_upstream_requests_total",
        "tambo_upstream_duration_seconds_bucket",
        "tambo_upstream_inflight",
        "tambo_upstream_queue_depth",
        "tambo_upstream_queue_wait_seconds_count",
        "tambo_upstream_shed_total",
        "tambo_holdoff_keys",
        "tambo_breaker_state",
        "tambo_upstream_seconds_saved_total",
        "tambo_coalesced_requests_total",
        "tambo_not_stored_total",
        "tambo_verdicts_total",
        "tambo_stale_served_total",
        "tambo_store_up",
        "tambo_store_bad_entries_total",
        "tambo_store_operations_total",
        "tambo_store_duration_seconds_bucket",
        "tambo_store_bytes",
        "tambo_store_entries",
        "tambo_store_evictions_total",
        "tambo_purges_total",
        "tambo_purged_entries_total",
        "tambo_build_info",
        "tambo_event_loop_lag_seconds",
        "tambo_log_lines_dropped_total",
    }
    assert value(telemetry, "tambo_purged_entries_total") == 3
    assert value(telemetry, "tambo_event_loop_lag_seconds") == 0.25
    assert value(telemetry, "tambo_log_lines_dropped_total") == 7
    assert value(telemetry, "tambo_coalesced_requests_total", route="ruc", scope="process") == 1


def test_a_scrape_of_a_fresh_process_works() -> None:
    assert scrape(Telemetry())["tambo_upstream_queue_depth", ()] == 3
