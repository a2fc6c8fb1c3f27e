"""A real Prometheus of a test's own, on a free port with its data in a folder. Ends what it starts."""

import json
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.parse import quote
from urllib.request import urlopen

from tests.support.redis_server import free_port

START_WITHIN = 20.0


class Prometheus:
    """One running server."""

    def __init__(self, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}"

    def get(self, path: str) -> Any:
        """The data of an API answer."""
        with urlopen(f"{self.url}/api/v1/{path}", timeout=5) as answer:  # noqa: S310 - our own server on loopback
            return json.load(answer)["data"]

    def query(self, expression: str) -> list[dict[str, Any]]:
        """An instant query's samples."""
        found: list[dict[str, Any]] = self.get(f"query?query={quote(expression)}")["result"]
        return found


@contextmanager
def prometheus(folder: Path, config: Path) -> Iterator[Prometheus]:
    """Start with this configuration file, wait until it is ready, end it afterwards."""
    port = free_port()
    place = ["--web.listen-address", f"127.0.0.1:{port}", "--storage.tsdb.path", str(folder / "tsdb")]
    program = shutil.which("prometheus")
    assert program, "install prometheus"
    with (folder / "prometheus.log").open("wb") as log:
        process = subprocess.Popen([program, "--config.file", str(config), *place], stdout=log, stderr=log)
    try:
        _wait_until_ready(process, port, folder / "prometheus.log")
        yield Prometheus(port)
    finally:
        process.terminate()
        process.wait(10)


def _wait_until_ready(process: "subprocess.Popen[bytes]", port: int, log: Path) -> None:
    deadline = time.monotonic() + START_WITHIN
    while True:
        try:
            with urlopen(f"http://127.0.0.1:{port}/-/ready", timeout=1):
                return
        except (URLError, OSError):
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(log.read_text()) from None
            time.sleep(0.05)
