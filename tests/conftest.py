"""What holds for every test: none fails because a machine is busy, what waits most begins first where several processes
share the files, and with a failure comes what the Tambos that it started had to say."""

import asyncio
import os
from collections.abc import Callable, Generator

import pytest
import uvloop
from hypothesis import HealthCheck, settings
from xdist.remote import Producer
from xdist.scheduler import LoadFileScheduling

from tests.support.tambo import STARTED

# Both of what is switched off is measured in wall time, which a test shares with whatever else is running.
settings.register_profile("tambo", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("thorough", settings.get_profile("tambo"), max_examples=10_000)
settings.load_profile(os.environ.get("EXAMPLES", "tambo"))  # EXAMPLES=thorough pytest tests/property: an hour


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """With ``make test``, real servers go first: they take long and mostly wait, and the many quick ones fill what is
    left at the end."""
    if hasattr(config, "workerinput"):
        items.sort(key=lambda item: [item.get_closest_marker(name) is None for name in ("e2e", "integration")])


class Scheduling(LoadFileScheduling):  # type: ignore[misc] # xdist says nothing of its types
    """A file is one process's, and all that drive a browser are: two browsers at once are too many for two cores."""

    def _split_scope(self, nodeid: str) -> str:
        file, _, _ = nodeid.partition("::")
        return "browsers" if file.startswith("tests/e2e/") else file


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> Scheduling:
    """Who runs what."""
    return Scheduling(config, log)


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
