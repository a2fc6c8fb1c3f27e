"""What is measured, in which order, and what it should reach: the project's goals as data. Runs nothing."""

from dataclasses import dataclass, field

from bench.load.runs import Load


@dataclass(frozen=True)
class Goal:
    """A ratio to reach, of one figure of ours to one of somebody else's."""

    against: str
    """A server, or BESIDE."""
    least: float
    what: str = "rate"
    """``rate`` (at least), ``cpu`` or ``p50+`` (at most: a ratio, and microseconds more)."""


@dataclass(frozen=True)
class Play:
    """One load, on these servers in turn."""

    name: str
    load: Load
    servers: tuple[str, ...]
    goals: tuple[Goal, ...]
    ours: str = "tambo"
    """Which of our own."""
    hits: bool = True
    """Whether nothing may reach the upstream."""
    beside: Load | None = None
    """What ours is asked in turn with it, as BESIDE: a figure of another minute would be another machine's."""
    labels: dict[str, str] = field(default_factory=dict)


_PEERS = ("haproxy", "nginx", "varnish")
_ALL = ("raw", *_PEERS)
_FULL = (
    Goal("haproxy", 1.2),
    Goal("nginx", 1.8),
    Goal("varnish", 2.5),
    Goal("raw", 0.85),
    Goal("haproxy", 0.85, "cpu"),
)
_UNIQUE = (Goal("haproxy", 1.0), Goal("nginx", 1.5), Goal("varnish", 2.0))
BESIDE = "plain hits"
"""The name that the load beside a play goes by."""
_MOST = (Goal(BESIDE, 0.7),)
_PLAIN = Load("urls")

HITS = (
    Play("one URL", Load("one"), _ALL, _FULL),
    Play("1,000 URLs", Load("urls"), _ALL, _FULL),
    Play("1,000 URLs, browser heads", Load("browser"), _ALL, _FULL),
    Play("1,000 URLs × 50 browsers", Load("browsers"), _ALL, _FULL),
    Play("the same, metrics scraped every second", Load("browsers", scraped=True), _ALL, _FULL),
    Play("a new Cookie in every request", Load("cookies", "/c/"), _PEERS, _UNIQUE),
    Play("a new request id in every request", Load("ids"), _PEERS, _UNIQUE),
    Play("304", Load("unmodified"), (), _MOST, beside=_PLAIN),
    Play("HEAD", Load("head"), (), (Goal(BESIDE, 1.43, "cpu"),), beside=_PLAIN),
    # As many answers as the plain hits have, so that neither has more of the processor's cache.
    Play("one of four variants", Load("variants", "/vary/", urls=250), (), _MOST, beside=_PLAIN),
)
TIERS = (
    Play("in Redis, not in memory", Load("urls"), ("nginx",), (Goal("nginx", 0.5),), "tambo-redis"),
    Play("in the embedded file, not in memory", Load("urls"), ("nginx",), (Goal("nginx", 0.3),), "tambo-disk"),
    Play(
        "in Redis, one connection",
        Load("urls", connections=1),
        ("tambo",),
        (Goal("tambo", 150, "p50+"),),
        "tambo-redis",
    ),
)
MISSES = (
    Play("misses, 64 connections", Load("miss"), ("haproxy", "nginx"), (Goal("nginx", 0.25),), hits=False),
    Play(
        "misses, one connection",
        Load("miss", connections=1),
        ("haproxy", "nginx"),
        (Goal("nginx", 150, "p50+"),),
        hits=False,
    ),
)
WORKERS = (
    # What the machine does to any two processes that share its cores with the load, nginx's two workers show.
    Play(
        "two workers on two cores",
        Load("browsers"),
        ("tambo-one", "nginx-workers", "nginx-one"),
        (Goal("tambo-one", 1.18, "cpu"),),
        "tambo-workers",
    ),
)
PARTS = {"hits": HITS, "tiers": TIERS, "misses": MISSES, "workers": WORKERS}
