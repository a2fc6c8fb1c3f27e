"""House rules that no linter knows: small modules that say what they are for, nothing pickled, nothing unexplained."""

import ast
import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = ("proxy", "scraper_backend")
MODULES = sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))
MOST_LINES = 300


@pytest.mark.parametrize("module", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_module_is_small_and_says_its_job_on_the_first_line(module: Path) -> None:
    text = module.read_text()
    assert len(text.splitlines()) <= MOST_LINES
    docstring = ast.get_docstring(ast.parse(text))
    assert docstring
    assert text.startswith('"""')


def test_every_target_of_the_makefile_is_explained() -> None:
    text = (ROOT / "Makefile").read_text()
    explained = text.partition("help:")[2].partition("$(STAMP)")[0]
    for target in ("run", "test", "test-fast", "check", "bench", "compose-check"):
        assert f"make {target}" in explained, target


def test_every_dependency_has_its_reason() -> None:
    lines = (ROOT / "pyproject.toml").read_text().partition("dependencies = [")[2].partition("dev = [")[0].splitlines()
    entries = [line for line in lines if re.match(r'\s+"[a-z]', line)]
    assert len(entries) > 10
    assert [line for line in entries if "#" not in line] == []


def test_the_package_carries_its_data() -> None:
    data = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["package-data"]
    for package, patterns in data.items():
        folder = ROOT / package.replace(".", "/")
        for pattern in patterns:
            assert list(folder.glob(pattern)), f"{package}: nothing matches {pattern}"


def test_no_pickle_and_no_eval() -> None:
    for module in MODULES:
        names = {
            node.func.id if isinstance(node.func, ast.Name) else ""
            for node in ast.walk(ast.parse(module.read_text()))
            if isinstance(node, ast.Call)
        }
        assert not names & {"eval", "exec"}, module
        assert not re.search(r"^\s*(import|from) (pickle|marshal|shelve|yaml)\b", module.read_text(), re.M), module


def test_every_logger_is_under_tambos_own_which_level_and_format_are_set_for() -> None:
    for module in (path for path in MODULES if path.is_relative_to(ROOT / "proxy")):
        for name in re.findall(r"getLogger\((.*?)\)", module.read_text()):
            assert re.fullmatch(r'"tambo(\.[a-z]+)?"', name), module


def test_compose_and_prometheus_name_metrics_and_ports_that_exist() -> None:
    compose = (ROOT / "docker-compose.yml").read_text()
    assert "prometheus.yml" in compose
    assert "proxy:8081" in (ROOT / "prometheus.yml").read_text()
    assert 'SUNAT_URL: "${SUNAT_URL:-https://e-consultaruc.sunat.gob.pe}"' in compose
