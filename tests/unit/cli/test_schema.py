"""``tambo schema`` as it is called."""

import json

from proxy.config.schema import schema
from tests.unit.cli.conftest import Tambo


def test_it_prints_the_schema(tambo: Tambo) -> None:
    said = tambo("schema")
    assert (said.code, said.err) == (0, "")
    assert json.loads(said.out) == schema()
