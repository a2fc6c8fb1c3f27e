"""One exposition of several processes' metrics: counters are summed and never fall, also when a process has ended.

A gauge is of those who are there: summed, or the highest or lowest of them, as the table says. Counts nothing itself.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import Final, TypeAlias

from prometheus_client import CollectorRegistry
from prometheus_client.core import Metric
from prometheus_client.exposition import generate_latest
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.registry import Collector

Labels: TypeAlias = tuple[tuple[str, str], ...]
Samples: TypeAlias = dict[tuple[str, Labels], float]

SHARED_TIERS: Final = frozenset({"disk", "redis"})
"""Tiers that all processes have in common: what each tells of them is the same."""
_SUMMED: Final = frozenset(
    {
        "tambo_upstream_inflight",
        "tambo_upstream_queue_depth",
        "tambo_store_bytes",
        "tambo_store_entries",
    }
)
_LOWEST: Final = frozenset({"tambo_store_up"})
_HIGHEST: Final = frozenset(
    {
        "tambo_holdoff_keys",
        "tambo_breaker_state",
        "tambo_mode",
        "tambo_config_generation",
        "tambo_build_info",
        "tambo_event_loop_lag_seconds",
    }
)
GAUGES: Final = _SUMMED | _LOWEST | _HIGHEST
"""Every gauge that is known here; others are taken at their highest."""


class _Family:
    """One metric, and its samples of one process or of several."""

    __slots__ = ("kind", "samples", "text")

    def __init__(self, kind: str, text: str) -> None:
        self.kind = kind
        self.text = text
        self.samples: Samples = {}

    def add(self, name: str, samples: Samples) -> None:
        """Bring in another process's."""
        for sample, value in samples.items():
            known = self.samples.get(sample)
            together = sum if self.kind != "gauge" else _rule(name, dict(sample[1]))
            self.samples[sample] = value if known is None else together((known, value))


Families: TypeAlias = dict[str, _Family]


class Ledger:
    """The latest metrics of everyone who is there, and the sums of those who have gone."""

    def __init__(self) -> None:
        self._present: dict[int, Families] = {}
        self._departed: Families = {}

    def note(self, process: int, text: str) -> None:
        """What a process tells now. Raises ValueError where it cannot be read."""
        self._present[process] = _read(text)

    def depart(self, process: int) -> None:
        """It has ended: what it counted last stays counted, its gauges go. Idempotent."""
        for name, family in self._present.pop(process, {}).items():
            if family.kind != "gauge":
                self._sum(self._departed, name, family)

    def exposition(self, more: Iterable[Metric] = ()) -> bytes:
        """Everything, in the text format, and ``more`` of the process that asks: summed where the name is known."""
        merged: Families = {}
        for families in (self._departed, *self._present.values()):
            for name, family in families.items():
                self._sum(merged, name, family)
        for metric in more:
            self._sum(merged, metric.name, _family(metric))
        registry = CollectorRegistry()
        registry.register(_Merged(merged))
        return generate_latest(registry)

    @staticmethod
    def _sum(into: Families, name: str, family: _Family) -> None:
        into.setdefault(name, _Family(family.kind, family.text)).add(name, family.samples)


class _Merged(Collector):
    """Families as the client library writes them."""

    def __init__(self, families: Families) -> None:
        self._families = families

    def collect(self) -> Iterator[Metric]:
        """All of them, in the order in which a process tells them."""
        for name, family in self._families.items():
            metric = Metric(name, family.text, family.kind)
            for (sample, labels), value in family.samples.items():
                metric.add_sample(sample, dict(labels), value)
            yield metric


def _read(text: str) -> Families:
    return {metric.name: _family(metric) for metric in text_string_to_metric_families(text)}


def _family(metric: Metric) -> _Family:
    family = _Family(metric.type, metric.documentation)
    for sample in metric.samples:
        family.samples[sample.name, tuple(sorted(sample.labels.items()))] = sample.value
    return family


def _rule(name: str, labels: dict[str, str]) -> Callable[[Iterable[float]], float]:
    if name in _LOWEST:
        return min
    return sum if name in _SUMMED and labels.get("tier") not in SHARED_TIERS else max
