"""Log lines: JSON for machines, one readable line for people. Sets up logging once; says nothing itself."""

import json
import logging
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TextIO

_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}


def _extra(record: logging.LogRecord) -> Mapping[str, object]:
    return {name: value for name, value in vars(record).items() if name not in _STANDARD and value is not None}


class JsonFormatter(logging.Formatter):
    """One JSON object a line: time (UTC, RFC 3339), level, logger, message, and what the call added."""

    def format(self, record: logging.LogRecord) -> str:
        """The record as one line; control characters are escaped by JSON."""
        line: dict[str, object] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            **_extra(record),
        }
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False, default=str)


class ConsoleFormatter(logging.Formatter):
    """For a terminal: time, level where it matters, message, then name=value."""

    def format(self, record: logging.LogRecord) -> str:
        """The record as one line (a bug's traceback follows on its own)."""
        level = "" if record.levelno == logging.INFO else f"{record.levelname} "
        extra = _extra(record)
        if record.name == "tambo.access":
            text = "{method} {target} {status} {cache} {seconds:.3f}s".format_map(extra)
            text = text.encode("unicode_escape").decode("ascii") if not text.isprintable() else text
        else:
            pairs = " ".join(f"{name}={str(value)!r}" for name, value in extra.items())
            text = f"{record.getMessage()} {pairs}".rstrip()
        line = f"{self.formatTime(record, '%H:%M:%S')} {level}{text}"
        return f"{line}\n{self.formatException(record.exc_info)}" if record.exc_info else line


class _Lines(logging.StreamHandler[TextIO]):
    """Writes lines, and counts those that cannot be written."""

    dropped = 0

    def handleError(self, record: logging.LogRecord) -> None:
        """Count it: there is nowhere to say it."""
        self.dropped += 1


def dropped() -> int:
    """Lines of this process that could not be written."""
    return sum(each.dropped for each in logging.getLogger("tambo").handlers if isinstance(each, _Lines))


def set_up(level: str, *, as_json: bool, stream: TextIO | None = None) -> None:
    """Send everything under ``tambo`` to ``stream`` (standard error). ``level``: debug, info, warning, error.

    A line that cannot be written (a full disk) is dropped and counted: it must not stop the service.
    """
    logging.raiseExceptions = False
    handler = _Lines(stream or sys.stderr)
    handler.dropped = dropped()
    handler.setFormatter(JsonFormatter() if as_json else ConsoleFormatter())
    root = logging.getLogger("tambo")
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    root.propagate = False
