"""The exchange's observer: counts everything, and writes one log line per exchange and per trouble. Never raises."""

import logging
import math
import random
from collections.abc import Callable
from typing import Final

from proxy.clock import Clock
from proxy.errors import UNASKED, Failure
from proxy.exchange.breaker import State
from proxy.exchange.ports import Exchanged
from proxy.telemetry.counters import Counters

ACCESS = logging.getLogger("tambo.access")
UPSTREAM = logging.getLogger("tambo.upstream")
STORE = logging.getLogger("tambo.store")
BUG = logging.getLogger("tambo.bug")


_SERVER_ERROR: Final = 500
_LONGEST_ID: Final = 128
_TRACE_PARTS: Final = 4
_NEVER: Final = 1 << 62


class Telemetry(Counters):
    """Counters with a voice."""

    def __init__(
        self, sample: float = 1.0, draw: Callable[[], float] = random.random, clock: Clock | None = None
    ) -> None:
        """``sample``: 0-1, the part of the requests that get a line. ``draw``: from 0 up to 1."""
        super().__init__(clock)
        self._sample = sample
        self._draw = draw
        self._to_skip = self._next_gap()

    def resample(self, sample: float) -> None:
        """Log another part of the requests from now on."""
        self._sample = sample
        self._to_skip = self._next_gap()

    def may_log(self) -> bool:
        """Whether any request that goes well gets a line, as things are."""
        return self._sample > 0 and ACCESS.isEnabledFor(logging.INFO)

    def logs_request(self) -> bool:
        """Whether the next request gets a line: ask once for each that is not told of by ``exchanged``."""
        if self._to_skip:
            self._to_skip -= 1
            return False
        return ACCESS.isEnabledFor(logging.INFO)

    def _next_gap(self) -> int:
        """How many requests go by without a line, where each gets one with the same probability."""
        if self._sample >= 1:
            return 0
        if self._sample <= 0:
            return _NEVER
        return int(min(_NEVER, math.log1p(-self._draw()) / math.log1p(-self._sample)))

    def exchanged(self, event: Exchanged) -> None:
        """Count the request and log it: all that went wrong, and the sample of the rest."""
        super().exchanged(event)
        if event.status >= _SERVER_ERROR or event.aborted:
            if ACCESS.isEnabledFor(logging.INFO):
                self._log(event)
        elif self.logs_request():
            self._log(event)
            self._to_skip = self._next_gap()

    @staticmethod
    def _log(event: Exchanged) -> None:
        request, disposition = event.request, event.disposition
        ACCESS.info(
            "request",
            extra={
                "method": request.method,
                "target": request.target,
                "status": event.status,
                "cache": disposition.x_cache,
                "result": disposition.result.value,
                "detail": disposition.detail,
                "route": event.route,
                "key": event.key or None,
                "seconds": round(event.seconds, 6),
                "bytes": event.sent_bytes,
                "saved": round(event.saved_seconds, 3) or None,
                "peer": request.peer,
                "request_id": _short(request.fields.joined("x-request-id")),
                "trace_id": _trace_id(request.fields.joined("traceparent")),
                "aborted": event.aborted or None,
            },
        )

    def upstream_failed(self, route: str, failure: Failure, detail: str) -> None:
        """Log a fetch that brought no answer; it was counted as a fetch already."""
        level = logging.DEBUG if failure in UNASKED else logging.WARNING  # overload must not flood the log too
        UPSTREAM.log(level, "upstream failed", extra={"route": route, "failure": failure.value, "detail": detail})

    def breaker_changed(self, state: State) -> None:
        """Say that the upstream is left alone from now on, or asked again."""
        if state is State.OPEN:
            UPSTREAM.warning("the upstream keeps failing and is left alone for a while")
        elif state is State.CLOSED:
            UPSTREAM.info("the upstream is well again")

    def store_failed(self, operation: str, detail: str) -> None:
        """Say it to who looks closely: the stores count each failure and log each outage by themselves, once."""
        STORE.debug("store failed; going on without it", extra={"operation": operation, "detail": detail})

    def internal_error(self, where: str, error: BaseException) -> None:
        """Log a bug with its traceback."""
        BUG.error("internal error", extra={"where": where}, exc_info=error)


def _short(value: str | None) -> str | None:
    return None if value is None else value[:_LONGEST_ID]


def _trace_id(value: str | None) -> str | None:
    """The trace's own part of a ``traceparent`` (W3C Trace Context §3.2)."""
    parts = (value or "").split("-")
    return parts[1][:_LONGEST_ID] if len(parts) >= _TRACE_PARTS else None
