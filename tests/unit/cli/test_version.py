"""``tambo version``."""

import json
import platform

import pytest

from proxy.cli.version import version_of
from tests.unit.cli.conftest import Tambo


def test_version(tambo: Tambo) -> None:
    said = tambo("version")
    assert (said.code, said.err) == (0, "")
    assert said.out == f"tambo {version_of('tambo')} (Python {platform.python_version()})\n"


def test_version_as_json(tambo: Tambo) -> None:
    told = json.loads(tambo("version", "--json").out)
    assert told["python"] == platform.python_version()
    assert set(told) == {"version", "python", "packages"}
    assert told["packages"]["aiohttp"].startswith("3.")


@pytest.mark.parametrize("package", ["no-such-package-is-here"])
def test_what_is_not_installed_is_unknown(package: str) -> None:
    assert version_of(package) == "unknown"
