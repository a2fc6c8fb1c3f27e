"""What a scrape reads of the parts that are not the exchange's counters. Reads; changes nothing."""

from collections.abc import Mapping, Sequence

from proxy.exchange.breaker import State
from proxy.exchange.guard import Guard
from proxy.exchange.holdoff import HoldOff
from proxy.policy.route import RoutePolicy
from proxy.store.backing import Backing
from proxy.store.stats import BUCKETS, TierStats
from proxy.store.tiered import TieredStore
from proxy.telemetry.counters import Histogram
from proxy.telemetry.metrics import TierGauges, UpstreamGauges

_STATES = {State.CLOSED: 0, State.HALF_OPEN: 1, State.OPEN: 2}


def upstream_gauges(guard: Guard, hold_off: HoldOff, routes: Sequence[RoutePolicy]) -> UpstreamGauges:
    """The upstream's side at this moment."""
    held = dict.fromkeys((route.name for route in routes), 0) | dict(hold_off.held())
    breaker = None if guard.state is None else _STATES[guard.state]
    return UpstreamGauges(guard.inflight, guard.queue_depth, guard.shed, held, breaker)


def tier_gauges(stats: TierStats, *, is_up: bool) -> TierGauges:
    """One tier at this moment. Redis does not tell what it holds for us; only its own tools do."""
    knows_size = stats.tier != "redis"
    return TierGauges(
        is_up,
        stats.bytes if knows_size else None,
        stats.entries if knows_size else None,
        stats.evictions,
        dict(stats.operations),
        {name: Histogram(BUCKETS, each.counts, each.total) for name, each in stats.durations.items()},
    )


def all_tiers(store: TieredStore, backing: Backing) -> Mapping[str, TierGauges]:
    """Memory, which is always up, and what it stands before."""
    memory, lasting = store.tiers
    return {
        memory.tier: tier_gauges(memory, is_up=True),
        lasting.tier: tier_gauges(lasting, is_up=backing.is_up),
    }


def bad_entries(*tiers: TierStats) -> Mapping[str, int]:
    """Stored values that could not be used, by reason, over all tiers."""
    counts: dict[str, int] = {}
    for stats in tiers:
        for reason, count in stats.bad_entries.items():
            counts[reason.value] = counts.get(reason.value, 0) + count
    return counts
