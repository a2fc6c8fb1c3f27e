"""``tambo run`` from its first log line to its last, as tests/golden/process/run.txt has it: a real process, ended by
SIGTERM. The other transcripts are played in tests/unit/cli/test_golden.py, which says how to write them anew."""

import asyncio
import os
import signal
import sys
from pathlib import Path

import pytest

from tests.support.golden import FOLDER, Printed, commands

pytestmark = pytest.mark.integration
ROOT = Path(__file__).parents[2]


async def test_run_until_sigterm(tmp_path: Path) -> None:
    (path,) = (FOLDER / "process").glob("*.txt")
    told = []
    for command, _ in commands(path):
        environ = dict(command.environ) | {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)}
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "proxy", *command.arguments),
            cwd=tmp_path,
            env=environ,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        assert process.stdout is not None
        assert process.stderr is not None
        lines = []
        async for line in process.stderr:
            lines.append(line.decode())
            if " listens on " in lines[-1]:
                process.send_signal(signal.SIGTERM)
        out = (await process.stdout.read()).decode()
        told.append(f"{command.line}\n{Printed(await process.wait(), out, ''.join(lines)).shown}")
    if os.environ.get("GOLDEN") == "write":
        path.write_text("".join(told))
    assert "".join(told) == path.read_text()
