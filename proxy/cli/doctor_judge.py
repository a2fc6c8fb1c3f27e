"""What Redis's own words mean for a Tambo that stores there, for ``tambo doctor``. Pure: asks nobody."""

from collections.abc import Mapping, Sequence
from statistics import median
from typing import Final

from proxy.cli.findings import Finding, advice, good, wrong

OLDEST: Final = (7, 0)
MOST_SKEW: Final = 2.0
"""Seconds."""
_STAYS: Final = frozenset({"volatile-ttl", "noeviction"})
_LOSES_THE_LOG: Final = frozenset({"allkeys-lru", "allkeys-lfu", "allkeys-random", "volatile-random"})


def read_info(text: str) -> dict[str, str]:
    """A reply to INFO."""
    pairs = (line.partition(":") for line in text.splitlines() if line and not line.startswith("#"))
    return {name: value.strip() for name, colon, value in pairs if colon}


def judge_version(about: str, info: Mapping[str, str]) -> Finding:
    """Whether it has the commands that Tambo uses."""
    said = info.get("redis_version", "")
    name = info.get("server_name", "redis").capitalize()
    shown = info.get("valkey_version", said)
    numbers = tuple(int(part) for part in said.split(".")[:2] if part.isdigit())
    if numbers < OLDEST:
        return wrong(about, f"{name} {shown or 'of no known version'}", "Tambo needs Redis 7.0 or newer, or Valkey")
    return good(about, f"{name} {shown}")


def judge_memory(about: str, info: Mapping[str, str]) -> Finding:
    """Whether what is to last longest would be thrown away first."""
    policy, most = info.get("maxmemory_policy", "unknown"), int(info.get("maxmemory", "0") or 0)
    used = int(info.get("used_memory", "0") or 0) / 2**20
    if not most:
        do = "set maxmemory, a third below what the machine has, and maxmemory-policy volatile-ttl"
        return advice(about, f"no maxmemory ({used:.0f} MiB used): it grows until the system ends it", do)
    said = f"{used:.0f} of {most / 2**20:.0f} MiB used, maxmemory-policy {policy}"
    if policy in _LOSES_THE_LOG:
        do = "set maxmemory-policy volatile-ttl: this one may evict the purge log, and with it all that is stored"
        return wrong(about, said, do)
    if policy not in _STAYS:
        do = "set maxmemory-policy volatile-ttl: this one throws the archive away before what ends soon anyway"
        return wrong(about, said, do)
    if used * 2**20 > 0.9 * most:
        return advice(about, said, "give it more: from here on something leaves for everything that comes")
    return good(about, said)


def judge_persistence(about: str, info: Mapping[str, str]) -> Finding:
    """Whether what is stored outlives a restart."""
    for name, what in (("aof_last_write_status", "the append-only file"), ("rdb_last_bgsave_status", "a snapshot")):
        if info.get(name, "ok") != "ok":
            do = "look at its disk: while this lasts Redis may refuse every write (MISCONF)"
            return wrong(about, f"writing {what} failed", do)
    if info.get("aof_enabled") == "1":
        return good(about, "appendonly yes: what is stored outlives a restart")
    do = "set appendonly yes: without it a restart goes back to the last snapshot, if there is any"
    return advice(about, "appendonly no", do)


def judge_latency(about: str, seconds: Sequence[float], budget: float) -> Finding:
    """Whether a look-up has time enough. ``budget``: store.redis_timeout."""
    middle, worst = median(seconds), max(seconds)
    said = f"a round trip takes {middle * 1000:.2f} ms (median of {len(seconds)}), {worst * 1000:.2f} ms at worst"
    if middle > budget / 2:
        do = f"bring it nearer, or raise store.redis_timeout ({budget * 1000:g} ms): look-ups will be misses"
        return wrong(about, said, do)
    if worst > budget:
        do = f"some look-ups will be misses: more than store.redis_timeout ({budget * 1000:g} ms)"
        return advice(about, said, do)
    return good(about, said)


def judge_skew(about: str, skew: float, uncertain: float) -> Finding:
    """Whether two clocks agree. ``skew``: how far the other is ahead, ``uncertain`` either way; seconds."""
    where = "ahead of" if skew > 0 else "behind"
    said = f"{abs(skew) * 1000:.0f} ms {where} this machine's, give or take {uncertain * 1000:.0f} ms"
    if abs(skew) - uncertain > MOST_SKEW:
        do = "let both keep time (chrony, systemd-timesyncd): ages are counted from what these clocks say"
        return wrong(about, said, do)
    return good(about, said)


def judge_future(about: str, ahead: float, looked_at: int) -> Finding:
    """Whether a Tambo's clock runs ahead: it has stored something later than now. ``ahead``: seconds, at most."""
    if ahead > MOST_SKEW:
        said = f"something was stored {ahead:.0f} s from now: the clock of a Tambo that shares this Redis is ahead"
        return wrong(about, said, "run tambo doctor on the others' machines, and let them keep time")
    return good(about, f"nothing of {looked_at} stored responses looked at comes from the future")


def judge_slots(about: str, primaries: int, missing: int) -> Finding:
    """Whether a Cluster is whole."""
    if missing:
        do = "redis-cli --cluster check, then fix: what belongs there is not stored, and purges may fail"
        return wrong(about, f"{primaries} primaries, and {missing} of 16384 slots are nobody's", do)
    return good(about, f"Cluster of {primaries} primaries, all 16384 slots have their owner")


def judge_replicas(about: str, info: Mapping[str, str]) -> Finding:
    """Whether somebody could take over from a primary behind Sentinels, or of a Cluster."""
    count = int(info.get("connected_slaves", "0") or 0)
    if not count:
        return advice(about, "it has no replica: nobody can take over when it dies", "give it one")
    return good(about, f"{count} replica{'s' if count > 1 else ''} can take over")
