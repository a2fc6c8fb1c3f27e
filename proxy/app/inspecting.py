"""The admin endpoints that look and explain, put together for one process. Opens nothing and counts nothing."""

from collections.abc import Callable
from typing import Any

from proxy.app.figures import make_figures
from proxy.app.serving import Lasting
from proxy.config.load import Loaded
from proxy.edge.admin.app import Endpoints, Health
from proxy.edge.admin.explain import Explain
from proxy.edge.admin.jobs import Jobs
from proxy.edge.admin.openapi import OpenApi
from proxy.edge.admin.page.serving import Page
from proxy.edge.admin.page.stream import Stream
from proxy.edge.admin.purges import Purges
from proxy.exchange.purging import Purger
from proxy.telemetry.metrics import Sources


def inspecting(
    lasting: Lasting, sources: Sources, loaded: Callable[[], Loaded], health: Callable[[], Health], purger: Purger
) -> list[Endpoints]:
    """Everything beside health, metrics, purge, mode, reload and entries."""
    figures = make_figures(lasting.telemetry, sources, lasting.clock, lasting.switch, health)

    async def stats() -> dict[str, Any]:
        return figures.stats()

    def token() -> str | None:
        secret = loaded().config.admin.token
        return secret.value if secret else None

    history = lasting.desk.history
    return [
        Explain(lasting.explainer, lambda: loaded().provenance),
        Jobs(lasting.warmer, purger),
        figures,
        *([] if history is None else [Purges(history)]),
        OpenApi(sources.version),
        Page(token, stats, lasting.clock.now, Stream(stats, lasting.clock.now)),
    ]
