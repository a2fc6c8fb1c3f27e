"""Rules, dashboards and documents name metrics, labels and sections that exist."""

import json
import re
from pathlib import Path

import pytest

from proxy.edge.admin import passage
from proxy.policy.disposition import Result
from proxy.telemetry.metrics import TamboCollector
from proxy.telemetry.observer import Telemetry
from tests.unit.telemetry.test_metrics import SOURCES

ROOT = Path(__file__).parents[3]
RULES = (ROOT / "rules.yml").read_text()
DASHBOARDS = sorted((ROOT / "grafana" / "dashboards").glob("*.json"))
RECORDED = set(re.findall(r"record: (\S+)", RULES))
_METRIC = re.compile(r"\btambo_[a-z0-9_]+\b")


SUPERVISORS_OWN = {"tambo_workers", "tambo_worker_restarts_total"}
"""What only a supervisor has, beside the sums of its workers."""


def exposed() -> set[str]:
    """Every name that a query may use: counters end in _total, histograms have three."""
    names = set(SUPERVISORS_OWN)
    for family in TamboCollector(Telemetry(), SOURCES).collect():
        match family.type:
            case "counter":
                names.add(f"{family.name}_total")
            case "histogram":
                names |= {f"{family.name}_{part}" for part in ("bucket", "sum", "count")}
            case _:
                names.add(family.name)
    return names


def queries(dashboard: Path) -> list[str]:
    panels = json.loads(dashboard.read_text())["panels"]
    return [target["expr"] for panel in panels for target in panel.get("targets", [])]


def unknown_in(text: str) -> set[str]:
    return set(_METRIC.findall(text)) - exposed()


def test_the_collector_tells_its_names() -> None:
    assert "tambo_requests_total" in exposed()
    assert "tambo_upstream_queue_wait_seconds_bucket" in exposed()
    assert unknown_in("rate(tambo_reqests_total[5m])") == {"tambo_reqests_total"}


def test_the_supervisor_has_its_own() -> None:
    source = (ROOT / "proxy" / "app" / "workers" / "supervisor.py").read_text()
    for name in SUPERVISORS_OWN:
        assert f'"{name.removesuffix("_total")}"' in source


def test_rules_name_metrics_that_exist() -> None:
    assert len(re.findall(r"alert:", RULES)) > 8
    assert unknown_in(RULES) == set()


@pytest.mark.parametrize("dashboard", DASHBOARDS, ids=lambda path: path.name)
def test_every_query_of_a_dashboard_names_metrics_and_records_that_exist(dashboard: Path) -> None:
    found = queries(dashboard)
    assert len(found) > 20
    for query in found:
        assert unknown_in(query) == set(), query
        assert set(re.findall(r"tambo:[a-z0-9_:]+", query)) <= RECORDED, query
        assert _METRIC.search(query) or "tambo:" in query, query


@pytest.mark.parametrize("page", ["README.md", "docs/operations.md", "docs/redis.md", "docs/protection.md"])
def test_documents_name_metrics_that_exist(page: str) -> None:
    families = {re.sub(r"_(total|bucket|sum|count)$", "", name) for name in exposed()}
    named = set(re.findall(r"`[^`]*?\b(tambo_[a-z0-9_]+)\b(?!\.)", (ROOT / page).read_text()))
    assert {name for name in named if name not in exposed() and name not in families} == set()


def test_what_is_divided_by_all_requests_leaves_out_those_for_the_admin_listener() -> None:
    operations = (ROOT / "docs" / "operations.md").read_text()
    dashboards = [query for dashboard in DASHBOARDS for query in queries(dashboard)]
    divisors = [
        divisor
        for text in (
            *re.findall(r"expr: >-\n(.*?)\n +(?:-|for)", RULES, re.S),
            *re.findall(r"`.*?`", operations),
            *dashboards,
        )
        for divisor in re.findall(r"/\s*sum[^/]*?rate\((tambo_requests_total.*?)\[", text)
    ]
    assert len(divisors) > 4
    assert set(divisors) == {f'tambo_requests_total{{route!="{passage.ROUTE}"}}'}


def test_results_in_queries_are_results() -> None:
    results = {result.value for result in Result}
    for pattern in re.findall(r'result=~"([^"]+)"', RULES):
        assert set(pattern.split("|")) <= results


def test_every_alert_has_a_runbook() -> None:
    headings = set(re.findall(r"^#+ (\S+)$", (ROOT / "docs" / "operations.md").read_text(), re.M))
    for alert in re.findall(r"alert: (\S+)", RULES):
        assert f"docs/operations.md#{alert.lower()}" in RULES
        assert alert in headings
