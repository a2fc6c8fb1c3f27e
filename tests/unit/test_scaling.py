"""docs/scaling.md shows the table that bench/scaling.py makes of what was measured last."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_the_table_is_the_one_that_is_computed() -> None:
    said = subprocess.run(
        [sys.executable, ROOT / "bench" / "scaling.py", "--table"], capture_output=True, text=True, check=True
    )
    table = said.stdout.strip()
    assert table.count("\n") == 13
    assert table in (ROOT / "docs" / "scaling.md").read_text()
