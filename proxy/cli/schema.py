"""``tambo schema``: prints the JSON Schema of the file, or of what a verb prints with ``--json``. Reads no file."""

import json

from proxy.cli.exits import Exit, complain
from proxy.cli.json_schemas import VERBS, output_schema
from proxy.config.schema import schema
from proxy.wording import hint


def show_schema(verb: str = "") -> Exit:
    """One JSON document: of the file where ``verb`` is empty."""
    if verb and verb not in VERBS:
        complain(f"schema: no command {verb[:100]!r} prints JSON{hint(verb, VERBS, 'ones that do')}")
        return Exit.USAGE
    print(json.dumps(output_schema(verb) if verb else schema(), indent=2, ensure_ascii=False))
    return Exit.OK
