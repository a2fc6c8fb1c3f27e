"""Prometheus metrics, made when somebody scrapes, of the counters and gauges of everybody. Counts nothing itself."""

import platform
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import accumulate

from msgspec import Struct
from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest
from prometheus_client.registry import Collector

from proxy.telemetry.counters import Counters, Histogram

CONTENT_TYPE = CONTENT_TYPE_PLAIN_0_0_4


class UpstreamGauges(Struct, frozen=True):
    """The upstream's side at this moment."""

    inflight: int
    queue_depth: int
    shed: Mapping[str, int]
    held: Mapping[str, int]
    """Keys that are being left alone, by route: every route is named."""
    breaker: int | None = None
    """0 closed, 1 half-open, 2 open; None: there is none."""


class TierGauges(Struct, frozen=True):
    """One store tier at this moment; ``operations`` by operation and outcome, ``durations`` by operation."""

    is_up: bool
    bytes: int | None
    entries: int | None
    evictions: int
    operations: Mapping[tuple[str, str], int]
    durations: Mapping[str, Histogram]


class Sources(Struct, frozen=True):
    """Where a scrape finds what is not a counter of the exchange. Each is called once per scrape."""

    upstream: Callable[[], UpstreamGauges]
    tiers: Callable[[], Mapping[str, TierGauges]]
    bad_entries: Callable[[], Mapping[str, int]]
    mode: Callable[[], str]
    generation: Callable[[], int]
    """Of the configuration: 1 at the start, one more with each reload."""
    loop_lag: Callable[[], float]
    """Seconds, the longest lately."""
    lines_dropped: Callable[[], int]
    version: str


class TamboCollector(Collector):
    """Every ``tambo_`` metric."""

    def __init__(self, counters: Counters, sources: Sources) -> None:
        self._counters = counters
        self._sources = sources

    def collect(self) -> Iterator[Metric]:
        """All families, in the order of the documentation."""
        self._counters.settle()
        yield from self._exchanges()
        yield from self._upstream()
        yield from self._verdicts()
        yield from self._stores()
        yield from self._process()
        yield from self._operators()

    def _exchanges(self) -> Iterator[Metric]:
        counters = self._counters
        labels = ("route", "method", "result", "status_class")
        yield _counter("tambo_requests", "Requests by what became of them.", labels, counters.requests.items())
        yield _histogram(
            "tambo_request_duration_seconds",
            "From a request's head to the end of its answer.",
            ("route", "result"),
            counters.request_seconds.items(),
        )
        yield _counter(
            "tambo_upstream_seconds_saved",
            "Seconds of upstream time that stored and shared answers made unnecessary.",
            ("route", "by"),
            counters.saved_seconds.items(),
        )
        yield _counter(
            "tambo_coalesced_requests",
            "Requests answered by a fetch that another one had begun.",
            ("route", "scope"),
            counters.coalesced.items(),
        )

    def _upstream(self) -> Iterator[Metric]:
        counters, gauges = self._counters, self._sources.upstream()
        labels = ("route", "cause", "outcome")
        yield _counter(
            "tambo_upstream_requests", "Requests to the upstream.", labels, counters.upstream_requests.items()
        )
        yield _histogram(
            "tambo_upstream_duration_seconds",
            "From a request to the upstream to the head of its answer.",
            ("route",),
            (((route,), histogram) for route, histogram in counters.upstream_seconds.items()),
        )
        yield _gauge("tambo_upstream_inflight", "Requests that the upstream is working on.", gauges.inflight)
        yield _gauge("tambo_upstream_queue_depth", "Requests waiting for a place at the upstream.", gauges.queue_depth)
        yield _histogram(
            "tambo_upstream_queue_wait_seconds",
            "Waits for a place at the upstream.",
            (),
            (((), counters.queue_seconds),),
        )
        shed = (((reason,), count) for reason, count in gauges.shed.items())
        yield _counter("tambo_upstream_shed", "Requests refused a place at the upstream.", ("reason",), shed)

        yield from self._troubles(gauges)

    @staticmethod
    def _troubles(gauges: UpstreamGauges) -> Iterator[Metric]:
        held = GaugeMetricFamily("tambo_holdoff_keys", "Keys left alone after failures.", labels=("route",))
        text = "The upstream's circuit breaker: 0 closed, 1 half-open, 2 open."
        breaker = GaugeMetricFamily("tambo_breaker_state", text, labels=("route",))
        for route, count in gauges.held.items():
            held.add_metric((route,), count)
            if gauges.breaker is not None:
                breaker.add_metric((route,), gauges.breaker)
        yield from (held, breaker)

    def _verdicts(self) -> Iterator[Metric]:
        counters = self._counters
        for name, text, label, values in (
            ("tambo_not_stored", "Answers that were not kept.", "reason", counters.not_stored_by_reason),
            ("tambo_verdicts", "What the rules of routes said of bodies.", "verdict", counters.verdicts),
            ("tambo_stale_served", "Stale answers.", "reason", counters.stale_by_reason),
        ):
            yield _counter(name, text, ("route", label), values.items())

    def _stores(self) -> Iterator[Metric]:
        tiers = self._sources.tiers()
        up = GaugeMetricFamily("tambo_store_up", "1 while the tier answers.", labels=("tier",))
        size = GaugeMetricFamily("tambo_store_bytes", "Bytes a tier holds.", labels=("tier",))
        entries = GaugeMetricFamily("tambo_store_entries", "Stored responses a tier holds.", labels=("tier",))
        for tier, gauges in tiers.items():
            up.add_metric((tier,), float(gauges.is_up))
            if gauges.bytes is not None:
                size.add_metric((tier,), gauges.bytes)
            if gauges.entries is not None:
                entries.add_metric((tier,), gauges.entries)
        yield from (up, size, entries)
        evicted = (((tier,), gauges.evictions) for tier, gauges in tiers.items())
        yield _counter("tambo_store_evictions", "Stored responses that left for want of space.", ("tier",), evicted)
        operations = (
            ((tier, op, outcome), count)
            for tier, gauges in tiers.items()
            for (op, outcome), count in gauges.operations.items()
        )
        labels = ("tier", "op", "outcome")
        yield _counter("tambo_store_operations", "Operations on the lasting tiers.", labels, operations)
        yield _histogram(
            "tambo_store_duration_seconds",
            "How long operations on the tiers took.",
            ("tier", "op"),
            (((tier, op), histogram) for tier, gauges in tiers.items() for op, histogram in gauges.durations.items()),
        )
        bad = (((reason,), count) for reason, count in self._sources.bad_entries().items())
        yield _counter("tambo_store_bad_entries", "Stored values that could not be used.", ("reason",), bad)

    def _process(self) -> Iterator[Metric]:
        text = "By how much the event loop was late at most, in the last 10 to 20 seconds."
        yield _gauge("tambo_event_loop_lag_seconds", text, self._sources.loop_lag())
        yield dropped_lines(self._sources.lines_dropped())

    def _operators(self) -> Iterator[Metric]:
        counters = self._counters
        yield _counter("tambo_purges", "Purges by operators.", ("kind", "mode"), counters.purges.items())
        counted = (((), counters.purged_entries),)
        yield _counter("tambo_purged_entries", "Stored responses that purges are known to have met.", (), counted)
        mode = GaugeMetricFamily("tambo_mode", "1 for the mode that an operator has switched to.", labels=("mode",))
        mode.add_metric((self._sources.mode(),), 1)
        yield mode
        text = "Which configuration is followed: 1 at the start, one more with each reload."
        yield _gauge("tambo_config_generation", text, self._sources.generation())
        info = GaugeMetricFamily("tambo_build_info", "1, with the versions.", labels=("version", "python"))
        info.add_metric((self._sources.version, platform.python_version()), 1)
        yield info


def dropped_lines(count: int) -> Metric:
    """The family by which a process tells of lines that it could not log."""
    return _counter("tambo_log_lines_dropped", "Log lines that could not be written.", (), (((), count),))


def exposition(collector: TamboCollector) -> bytes:
    """The text format, of Tambo's metrics alone."""
    registry = CollectorRegistry()
    registry.register(collector)
    return generate_latest(registry)


def _counter(
    name: str, text: str, labels: tuple[str, ...], values: Iterable[tuple[tuple[str, ...], float]]
) -> CounterMetricFamily:
    family = CounterMetricFamily(name, text, labels=labels)
    for label_values, value in values:
        family.add_metric(label_values, value)
    return family


def _gauge(name: str, text: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(name, text, value=value)


def _histogram(
    name: str, text: str, labels: tuple[str, ...], values: Iterable[tuple[tuple[str, ...], Histogram]]
) -> HistogramMetricFamily:
    family = HistogramMetricFamily(name, text, labels=labels)
    for label_values, histogram in values:
        bounds = (*(f"{bound:g}" for bound in histogram.bounds), "+Inf")
        family.add_metric(label_values, list(zip(bounds, accumulate(histogram.counts), strict=True)), histogram.total)
    return family
