"""What holds for every test: none fails because a machine is busy, what waits most begins first where several processes
share the files, and with a failure comes what the Tambos that it started had to say."""

import asyncio
from collections.abc import Callable, Generator

import pytest
import uvloop
from hypothesis import HealthCheck, settings

from tests.support.tambo import STARTED

settings.register_profile("tambo", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("tambo")  # both are measured in wall time, which a test shares with whatever else is running


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """With ``make test``, a file is one process's, and all that drive a browser are: two browsers at once are too many
    for a small machine. Real servers go first: they take long and mostly wait, and the many quick ones fill what is
    left at the end."""
    if hasattr(config, "workerinput"):
        items.sort(key=lambda item: [item.get_closest_marker(name) is None for name in ("e2e", "integration")])
        for item in items:
            together = "browsers" if item.get_closest_marker("e2e") else item.location[0]
            item.add_marker(pytest.mark.xdist_group(together))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Add a section for each."""
    report = yield
    if report.failed:
        for tambo in sorted(STARTED, key=str):
            report.sections.append((f"log of {tambo}", "".join(tambo.complaints)))
    return report


def pytest_asyncio_loop_factories() -> dict[str, Callable[[], asyncio.AbstractEventLoop]]:
    """The loop that Tambo runs on: it differs from asyncio's own in how connections end."""
    return {"uvloop": uvloop.new_event_loop}
