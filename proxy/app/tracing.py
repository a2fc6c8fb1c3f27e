"""Whether requests are traced: the tracer that the configuration asks for, or one that leaves everything as it is."""

from typing import Protocol

from proxy.clock import Clock
from proxy.config.model import Config
from proxy.edge.server.settings import Handler
from proxy.errors import ConfigError
from proxy.exchange.ports import Store, Upstream


class Tracer(Protocol):
    """Puts spans around ports (proxy.telemetry.tracing)."""

    def answering(self, answer: Handler) -> Handler:
        """The handler to use in place of this one."""
        ...

    def upstream(self, upstream: Upstream) -> Upstream:
        """The upstream to use in place of this one."""
        ...

    def store(self, store: Store) -> Store:
        """The store to use in place of this one."""
        ...

    def waited(self, seconds: float) -> None:
        """Whoever runs now has waited so long for a place at the upstream."""
        ...

    def close(self) -> None:
        """Send what is left. May take a few seconds, and blocks meanwhile."""
        ...


class Untraced:
    """Leaves everything as it is."""

    def answering(self, answer: Handler) -> Handler:
        """See Tracer."""
        return answer

    def upstream(self, upstream: Upstream) -> Upstream:
        """See Tracer."""
        return upstream

    def store(self, store: Store) -> Store:
        """See Tracer."""
        return store

    def waited(self, seconds: float) -> None:
        """See Tracer."""

    def close(self) -> None:
        """See Tracer."""


def make_tracer(config: Config, clock: Clock, version: str) -> Tracer:
    """The one that is configured. Raises ConfigError where its packages are not installed."""
    endpoint = config.tracing.endpoint
    if endpoint is None:
        return Untraced()
    require_packages()
    from proxy.telemetry.tracing import Tracing, TracingSettings  # noqa: PLC0415 - an extra, and slow to import

    return Tracing(TracingSettings(endpoint, config.tracing.sample, version), clock)


def require_packages() -> None:
    """Look whether there is all that tracing needs. Raises ConfigError: what is to be installed."""
    try:
        import proxy.telemetry.tracing  # noqa: F401, PLC0415 - whether it can be is the question
    except ImportError as error:
        raise ConfigError(
            "tracing.endpoint", f"needs the extra packages: pip install '.[otel]' from the checkout ({error})"
        ) from None
