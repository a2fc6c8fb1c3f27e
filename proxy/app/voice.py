"""Has log lines written as the configuration says: at the start, and after a reload. Writes none itself."""

import sys

from proxy.config.model import Config, LogFormat
from proxy.telemetry import logs


def set_up_logs(config: Config) -> None:
    """JSON unless somebody watches, or as was asked for."""
    as_json = config.log.format is LogFormat.JSON or (config.log.format is LogFormat.AUTO and not sys.stderr.isatty())
    logs.set_up(config.log.level, as_json=as_json)
