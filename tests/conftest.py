"""What every test has: with a failure comes what the Tambos that it started had to say."""

from collections.abc import Generator

import pytest

from tests.support.tambo import STARTED


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Add a section for each."""
    report = yield
    if report.failed:
        for tambo in sorted(STARTED, key=str):
            report.sections.append((f"log of {tambo}", "".join(tambo.complaints)))
    return report
