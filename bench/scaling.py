"""How many Tambos, how much Redis: a model fitted to bench/fleet_costs.json, held against a simulation with the real
memory tier, and the table of docs/scaling.md. Starts nothing.

Usage: python bench/scaling.py [--popularity 0.8] [--keep 604800] [--table]

``python bench/fleet_costs.py --save`` measures anew.
"""

import argparse
import json
import math
import random
import sys
from bisect import bisect, bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from proxy.store.memory import Memory
from proxy.store.weight import weight_of, weight_of_key
from tests.support.builders import a_key, a_stored
from tests.support.clock import FakeClock

MEASURED = Path(__file__).with_name("fleet_costs.json")
GIB = 2**30
BUSY = 0.6
"""Of a core, that anything may be used: more and waiting grows."""
NODE_MEMORY = 16 * GIB
"""Of stored responses in one Redis; half as much again is left free."""
POOL = 16
MOST = 100_000
"""Processes, that are thought of."""
STEP = 1.05
"""Ranks are taken together in groups that grow by this."""


@dataclass(frozen=True)
class Costs:
    """What was measured: microseconds of a core, commands, bytes."""

    hit: float
    redis_hit: float
    miss: float
    rest: float
    heard: float
    r_redis_hit: float
    r_miss: float
    r_rest: float
    r_heard: float
    purge_fixed: float
    purge_each: float
    in_redis: float
    in_memory: float


def measured() -> Costs:
    """Read what fleet_costs.py saved: the largest fleet's figures; commands of a purge as a line over all sizes."""
    saved = json.loads(MEASURED.read_text())
    fleets, stored = saved["fleets"], saved["stored"]
    last = fleets[-1]
    sizes, purges = [each["tambos"] for each in fleets], [each["purge"]["redis_commands"] for each in fleets]
    middle, mean = sum(sizes) / len(sizes), sum(purges) / len(purges)
    spread = sum((size - middle) ** 2 for size in sizes)
    each = sum((size - middle) * (count - mean) for size, count in zip(sizes, purges, strict=True)) / spread
    rest, heard = last["at rest, a second of one Tambo"], last["message heard by one Tambo"]
    return Costs(
        *(last[what]["tambo_us"] for what in ("hit in memory", "hit in Redis", "miss")),
        rest["tambo_us"],
        heard["tambo_us"],
        *(last[what]["redis_us"] for what in ("hit in Redis", "miss")),
        rest["redis_us"],
        heard["redis_us"],
        mean - each * middle,
        each,
        stored["bytes_in_redis"],
        stored["bytes_in_memory"],
    )


@dataclass(frozen=True)
class Load:
    """Keys asked for by Zipf's law, so many requests a second; an answer is fresh for ``keep`` seconds."""

    keys: int
    rate: float
    keep: float
    popularity: float

    def groups(self) -> list[tuple[float, float]]:
        """How many keys, and the part of all requests that each of them gets."""
        found, first = [], 1.0
        while first <= self.keys:
            end = min(max(first + 1, math.floor(first * STEP)), self.keys + 1)
            found.append((end - first, (0.5 * (first + end - 1)) ** -self.popularity))
            first = end
        whole = sum(count * weight for count, weight in found)
        return [(count, weight / whole) for count, weight in found]


def hits_in_memory(load: Load, groups: Sequence[tuple[float, float]], processes: float, room: float) -> float:
    """The part of all requests that memory answers, where each process sees its part of all requests and has ``room``
    for so many keys: Che's approximation of a least-recently-used cache. Of all that one fetch brought, each process
    meets the first of its own requests with a miss."""
    rates = [(count, part, load.rate * part / processes) for count, part in groups]
    low, high = 0.0, load.keep
    if sum(count * -math.expm1(-rate * high) for count, _, rate in rates) > room:
        for _ in range(60):
            middle = (low + high) / 2
            held = sum(count * -math.expm1(-rate * middle) for count, _, rate in rates)
            low, high = (middle, high) if held < room else (low, middle)

    def missed(rate: float) -> float:
        cycle = load.keep + 1 / (rate * processes)
        return max(math.exp(-rate * high), -math.expm1(-rate * load.keep) / (rate * cycle))

    return 1 - sum(count * part * missed(rate) for count, part, rate in rates)


def fetches(load: Load, groups: Sequence[tuple[float, float]]) -> float:
    """Fetches a second of the whole fleet: the first request for each key after its answer has ended."""
    return sum(count * load.rate * part / (1 + load.rate * part * load.keep) for count, part in groups)


@dataclass(frozen=True)
class Fleet:
    """What a load needs."""

    in_memory: float
    asked: float
    """Look-ups in Redis a second."""
    fetched: float
    processes: int
    bytes: float
    cores: float
    """Of Redis."""
    log_cores: float
    """Of the one node that has the purge log, in a Cluster: half of each look-up is there."""
    nodes: int
    heard: float
    """Messages a second that each Tambo hears."""


def needed(load: Load, costs: Costs, memory: float, *, by_url: bool) -> Fleet | None:
    """``by_url``: the balancer sends each URL to the same Tambo; else any of them gets any. None: however many there
    are, to hear what the others fetch is more than a process can do."""
    groups, fetched = load.groups(), fetches(load, load.groups())
    heard = 2 * fetched  # that a fetch has ended, and that a key was changed
    left = BUSY * 1e6 - costs.rest - heard * costs.heard
    if left <= 0:
        return None

    def answered(processes: int) -> float:
        room = memory / costs.in_memory * (processes if by_url else 1)
        return hits_in_memory(load, groups, 1 if by_url else processes, room)

    def suffice(processes: int) -> bool:
        hits = load.rate * answered(processes)
        work = hits * costs.hit + (load.rate - hits - fetched) * costs.redis_hit + fetched * costs.miss
        return work <= left * processes

    processes = 1 + bisect_left(range(1, MOST), True, key=suffice)  # more of them never need more
    in_memory = answered(processes)
    asked = load.rate * (1 - in_memory)
    stored = sum(count * -math.expm1(-load.rate * part * load.keep) for count, part in groups) * costs.in_redis
    telling = heard * processes * costs.r_heard + processes * costs.r_rest
    cores = ((asked - fetched) * costs.r_redis_hit + fetched * costs.r_miss + telling) / 1e6
    log_cores = asked * costs.r_redis_hit / 2 / 1e6
    nodes = max(math.ceil(stored / NODE_MEMORY), math.ceil(cores / BUSY))
    return Fleet(in_memory, asked, fetched, processes, stored, cores, log_cores, nodes, heard)


def simulated(load: Load, processes: int, room: int, requests: int) -> tuple[float, float]:
    """The part that memory answers, and fetches a second: with the real memory tier in each of so many processes, and
    Redis as a dictionary."""
    dice, clock = random.Random(1), FakeClock()  # noqa: S311 - the same requests each time
    answer = a_stored(b"")
    memories = [Memory(room * (weight_of(answer) + weight_of_key("/000000")), clock) for _ in range(processes)]
    keys = [a_key(f"/{number:06}") for number in range(load.keys)]
    weights = list(accumulate((rank + 1) ** -load.popularity for rank in range(load.keys)))
    ends = [0.0] * load.keys
    hits = fetched = counted = 0
    began = clock.monotonic()  # what there is at the start tells nothing
    while counted < requests:
        clock.advance(dice.expovariate(load.rate))
        now = clock.monotonic()
        is_counted = now > began + load.keep
        counted += is_counted
        which = bisect(weights, dice.random() * weights[-1])
        memory = dice.choice(memories)
        if memory.resident(keys[which]):
            hits += is_counted
            continue
        if ends[which] <= now:
            ends[which] = now + load.keep
            fetched += is_counted
        memory.put(keys[which], answer, ends[which] - now)
    return hits / counted, fetched / counted * load.rate


def check(popularity: float) -> None:
    """The model beside the simulation, in small."""
    print("three Tambos, 20,000 keys, 1,000 requests/s, answers fresh for 60 s: simulated (modelled)")
    load = Load(20_000, 1_000.0, 60.0, popularity)
    for room in (200, 1_000, 5_000):
        hits, fetched = simulated(load, 3, room, 150_000)
        modelled = hits_in_memory(load, load.groups(), 3, room)
        print(
            f"  room for {room:>5,} keys in each: {hits:.1%} ({modelled:.1%}) answered by memory, "
            f"{fetched:.0f} ({fetches(load, load.groups()):.0f}) fetches/s"
        )


def row(keys: int, rate: float, where: str, fleet: Fleet | None, costs: Costs) -> str:
    """One load in the table."""
    if fleet is None:
        return f"| 10{_power(keys)} | 10{_power(rate)} | {where} | not possible: too many messages for each |"
    cells = (
        *(f"10{_power(keys)}", f"10{_power(rate)}", where, f"{fleet.in_memory:.1%}"),
        *(f"{fleet.asked:,.0f}", f"{fleet.fetched:,.1f}", f"{fleet.processes:,}", f"{fleet.bytes / GIB:,.1f} GiB"),
        *(f"{fleet.cores:,.1f}, {fleet.nodes:,}", f"{fleet.log_cores:,.2f}", f"{fleet.processes * (POOL + 2):,}"),
        *(f"{fleet.heard:,.1f}", f"{costs.purge_fixed + costs.purge_each * fleet.processes:,.0f}"),
    )
    return "| " + " | ".join(cells) + " |"


def _power(number: float) -> str:
    return str(round(math.log10(number))).translate(str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹"))


def main() -> None:
    """Check the model, then print the table."""
    reading = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    reading.add_argument("--popularity", type=float, default=0.8, help="the exponent of Zipf's law")
    reading.add_argument("--keep", type=float, default=7 * 86_400.0, help="seconds that an answer is fresh")
    reading.add_argument("--table", action="store_true", help="without the simulation")
    said = reading.parse_args()
    costs = measured()
    if not said.table:
        check(said.popularity)
        print(f"\nfitted: {costs}\n")
    print(
        "| keys | requests/s | memory of each, balanced by | answered by memory | look-ups/s in Redis | fetches/s ",
        end="",
    )
    print(
        "| Tambo processes | Redis memory | Redis cores, nodes | purge log's node, cores | connections to a node ",
        end="",
    )
    print("| messages/s to each Tambo | commands for a purge |")
    print("|" + "---|" * 13)
    for keys in (10**6, 10**9):
        for rate in (1e5, 1e7):
            for memory, by_url in ((0.25, False), (8, False), (8, True)):
                fleet = needed(Load(keys, rate, said.keep, said.popularity), costs, memory * GIB, by_url=by_url)
                where = f"{memory:g} GiB, {'URL' if by_url else 'chance'}"
                print(row(keys, rate, where, fleet, costs))


if __name__ == "__main__":
    main()
