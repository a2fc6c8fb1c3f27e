"""The figures that the admin API shows: counters, gauges, mode and health of this process together. Counts nothing."""

from collections.abc import Callable

from proxy.clock import Clock
from proxy.edge.admin.app import Health
from proxy.edge.admin.figures import Figures
from proxy.edge.admin.mode_form import shown
from proxy.exchange.operating import ModeSwitch
from proxy.telemetry.counters import Counters
from proxy.telemetry.keys import Order
from proxy.telemetry.metrics import Sources
from proxy.telemetry.statistics import statistics


def make_figures(
    counters: Counters, sources: Sources, clock: Clock, switch: ModeSwitch, health: Callable[[], Health]
) -> Figures:
    """The endpoints; their uptime counts from now."""
    began = clock.monotonic()

    def stats() -> dict[str, object]:
        told = statistics(counters, sources, clock.monotonic() - began)
        return told | {"mode": shown(switch.now), "health": health().shown}

    def top(order: str) -> dict[str, object]:
        counters.settle()
        return counters.keys.top(Order(order))

    return Figures(stats, top)
