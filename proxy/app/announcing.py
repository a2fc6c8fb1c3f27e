"""The first log lines: what is kept where nobody said so, where Tambo listens, and in front of what. Listens nowhere
itself."""

import logging
from importlib.metadata import version

from proxy.config.model import Config

LOG = logging.getLogger("tambo")


def announce(config: Config, public: tuple[str, int], admin: tuple[str, int], workers: int = 1) -> None:
    """Say it; ``public`` and ``admin`` are the addresses that are listened on."""
    if not config.routes:
        ttl = config.defaults.ttl
        kept = f"kept for {_span(ttl)}" if ttl else "not kept"
        LOG.info(
            "no routes are configured: a 200 JSON answer that says nothing about freshness is %s; "
            "an error inside a 200 cannot be told from an answer without verdicts",
            kept,
        )
    LOG.info(
        "tambo %s listens on %s:%s, admin on %s:%s, in front of %s, store %s%s",
        version("tambo"),
        *public,
        *admin,
        config.upstream.url,
        _store(config),
        f", {workers} workers" if workers > 1 else "",
    )


def _store(config: Config) -> str:
    return f"embedded in {config.store.data_dir}" if config.store.redis_url is None else str(config.store.redis_url)


def _span(seconds: float) -> str:
    for size, name in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if seconds >= size and seconds % size == 0:
            return f"{seconds / size:g} {name}"
    return f"{seconds:g} s"
