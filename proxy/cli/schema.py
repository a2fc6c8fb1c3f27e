"""``tambo schema``: prints the JSON Schema of the configuration file. Reads no file."""

import json

from proxy.cli.exits import Exit
from proxy.config.schema import schema


def show_schema() -> Exit:
    """One JSON document."""
    print(json.dumps(schema(), indent=2, ensure_ascii=False))
    return Exit.OK
