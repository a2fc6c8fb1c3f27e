"""The exchange's observer: counts everything, and writes one log line per exchange and per trouble. Never raises."""

import logging

from proxy.errors import UNASKED, Failure
from proxy.exchange.breaker import State
from proxy.exchange.ports import Exchanged
from proxy.telemetry.counters import Counters

ACCESS = logging.getLogger("tambo.access")
UPSTREAM = logging.getLogger("tambo.upstream")
STORE = logging.getLogger("tambo.store")
BUG = logging.getLogger("tambo.bug")


class Telemetry(Counters):
    """Counters with a voice."""

    @staticmethod
    def logs_requests() -> bool:
        """Whether each request gets a line."""
        return ACCESS.isEnabledFor(logging.INFO)

    def exchanged(self, event: Exchanged) -> None:
        """Count the request and log it."""
        super().exchanged(event)
        if not self.logs_requests():
            return
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
