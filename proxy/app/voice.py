"""Has log lines written as the configuration says: at the start, and after a reload. Writes none itself."""

import logging
import sys

from proxy.config.model import Config, LogFormat
from proxy.telemetry import logs


def set_up_logs(config: Config, worker: int | None = None) -> None:
    """JSON unless somebody watches, or as was asked for. ``worker``: its number, for every line."""
    as_json = config.log.format is LogFormat.JSON or (config.log.format is LogFormat.AUTO and not sys.stderr.isatty())
    logs.set_up(config.log.level, as_json=as_json)
    if worker is not None:
        for handler in logging.getLogger("tambo").handlers:
            handler.addFilter(_Signed(worker))


class _Signed(logging.Filter):
    """Adds who speaks."""

    def __init__(self, worker: int) -> None:
        super().__init__()
        self._worker = worker

    def filter(self, record: logging.LogRecord) -> bool:
        """Let every line through."""
        record.worker = self._worker
        return True
