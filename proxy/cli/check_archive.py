"""Whether the Redis that is configured would throw away what an archive is to keep, for ``tambo check --strict``. Asks
it, and changes nothing.
"""

from collections.abc import Iterator

from proxy.cli.findings import State
from proxy.config.load import Loaded


def archive_warnings(loaded: Loaded) -> Iterator[str]:
    """One line where it would, or where nobody can say; nothing where no route has an archive, or there is no Redis."""
    kept = [route.name for route in loaded.routes if route.archive]
    if not kept or loaded.config.store.redis_url is None:
        return
    from proxy.cli.doctor import examine_store  # noqa: PLC0415 - redis-py is slow to import

    key = "defaults.archive" if kept == [loaded.routes[-1].name] else f"routes.{kept[0]}.archive"
    findings = examine_store(loaded)
    about_memory = [finding for finding in findings if finding.about.endswith(" memory")]
    if not about_memory:
        said = next((finding.said for finding in findings if finding.state is State.WRONG), "it does not say")
        yield f"{key}: whether Redis keeps the archive could not be asked: {said}"
    for finding in about_memory:
        if finding.state is State.WRONG:
            yield f"{key}: {finding.said}: {finding.do}"
