"""An observer that remembers what it heard."""

from proxy.errors import Failure
from proxy.exchange.ports import Exchanged, Fetched, Filled
from proxy.policy.disposition import NotStoredReason, StaleReason, Verdict


class RecordingObserver:
    """Satisfies the exchange's Observer port."""

    def __init__(self) -> None:
        self.fetches: list[Fetched] = []
        self.fills: list[Filled] = []
        self.reasons: list[NotStoredReason] = []
        self.verdicts: list[Verdict] = []
        self.stale: list[StaleReason] = []
        self.failures: list[Failure] = []
        self.store_failures: list[str] = []
        self.bugs: list[BaseException] = []
        self.exchanges: list[Exchanged] = []
        self.waits: list[float] = []

    def exchanged(self, event: Exchanged) -> None:
        self.exchanges.append(event)

    def fetched(self, event: Fetched) -> None:
        self.fetches.append(event)

    def filled(self, event: Filled) -> None:
        self.fills.append(event)

    def not_stored(self, route: str, reason: NotStoredReason) -> None:
        self.reasons.append(reason)

    def judged(self, route: str, verdict: Verdict) -> None:
        self.verdicts.append(verdict)

    def waited(self, seconds: float) -> None:
        self.waits.append(seconds)

    def stale_served(self, route: str, reason: StaleReason) -> None:
        self.stale.append(reason)

    def upstream_failed(self, route: str, failure: Failure, detail: str) -> None:
        self.failures.append(failure)

    def store_failed(self, operation: str, detail: str) -> None:
        self.store_failures.append(operation)

    def internal_error(self, where: str, error: BaseException) -> None:
        self.bugs.append(error)
