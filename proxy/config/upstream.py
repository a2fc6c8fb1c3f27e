"""The sections about the upstream: how it is reached, waited for and protected. Reads no file, converts nothing."""

from enum import StrEnum
from typing import Annotated, Literal

from msgspec import Meta

from proxy.config.kinds import Count, ErrorStatus, Positive, Ratio, Section, Text, Wait

RetriedOn = Literal["connect"] | ErrorStatus


class HostSent(StrEnum):
    """Which Host the upstream sees."""

    UPSTREAM = "upstream"
    CLIENT = "client"


class UpstreamTimeout(Section, frozen=True, kw_only=True):
    """How long the upstream is waited for."""

    connect: Wait = 5.0
    first_byte: Wait = 90.0
    """From the request's end to the answer's head."""
    total: Wait = 120.0
    """Until a fetch is stored or refused; a relayed stream is bound by ``idle`` only."""
    idle: Wait = 60.0
    """Between bytes of a relayed stream."""


class Concurrency(Section, frozen=True, kw_only=True):
    """How many requests the upstream gets at once."""

    max: Positive | None = None
    """None: unlimited."""
    queue: Count = 100
    queue_timeout: Wait | None = None
    """None: as ``timeout.total``. In that time every place comes free once: nobody is refused whose turn comes next."""


class Retries(Section, frozen=True, kw_only=True):
    """A GET or HEAD that brought nothing is asked for again."""

    max: Annotated[int, Meta(ge=0, le=10)] = 0
    """Times, besides the first."""
    on: tuple[RetriedOn, ...] = ("connect", 502, 503)
    """``connect``: no connection came about; a status: that answer came."""
    budget: Ratio = 0.2
    """At most this part of the requests is asked for again."""


class Breaker(Section, frozen=True, kw_only=True):
    """When an upstream that keeps failing is left alone."""

    window: Wait = 60.0
    """Results of so many last seconds count."""
    failure_ratio: Ratio = 0.5
    """It opens when this part of them are failures."""
    min_requests: Positive = 5
    """And there are so many."""
    open: Wait = 30.0
    """How long nothing is asked; then one request finds out."""


class Upstream(Section, frozen=True, kw_only=True):
    """The one origin."""

    url: str = ""
    """Checked: http or https, a host, no credentials, query or fragment; a path is put before every request's."""
    host: HostSent = HostSent.UPSTREAM
    timeout: UpstreamTimeout = UpstreamTimeout()
    concurrency: Concurrency = Concurrency()
    retries: Retries = Retries()
    breaker: Breaker | None = None
    """None: off."""
    connections: Positive = 512
    """Open at once, but for event streams and upgraded ones."""
    idle_connections: Count = 128
    """Kept open for the next request."""
    keepalive: Wait = 4.0
    """How long an idle one is kept: shorter than the 5 s after which common servers close theirs."""
    ca_file: Text | None = None
    """PEM file of the authorities that are trusted; None: the system's."""

    @property
    def queue_timeout(self) -> float:
        """Seconds that a fetch waits for its place at most."""
        said = self.concurrency.queue_timeout
        return self.timeout.total if said is None else said

    @property
    def patience(self) -> float:
        """Seconds that a fetch may take, its wait for a place included."""
        return self.queue_timeout + self.timeout.total
