"""A ledger in this process: satisfies proxy.exchange.ledger.Ledger over a dict; ``is_down`` makes everything fail."""

from collections import Counter
from collections.abc import Sequence

from proxy.clock import Clock
from proxy.errors import StoreUnavailable


class DictLedger:
    """One for all who share it."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.values: dict[str, tuple[bytes, float]] = {}
        self.holds: dict[str, tuple[str, float]] = {}
        self.is_down = False
        self.asked: Counter[str] = Counter()
        """How often what was done."""

    async def close(self) -> None:
        """See Ledger."""

    async def write(self, name: str, value: bytes, keep_for: float) -> None:
        """See Ledger."""
        self._check("write")
        self.values[name] = value, self.clock.now() + keep_for

    async def read(self, name: str) -> bytes | None:
        """See Ledger."""
        self._check("read")
        value, ends = self.values.get(name, (None, 0.0))
        return value if ends > self.clock.now() else None

    async def remove(self, name: str) -> None:
        """See Ledger."""
        self._check("remove")
        self.values.pop(name, None)

    async def names(self, prefix: str) -> Sequence[str]:
        """See Ledger."""
        self._check("names")
        return sorted(name for name in self.values if name.startswith(prefix))

    async def hold(self, name: str, holder: str, seconds: float) -> bool:
        """See Ledger."""
        self._check("hold")
        who, ends = self.holds.get(name, (holder, 0.0))
        if who != holder and ends > self.clock.now():
            return False
        self.holds[name] = holder, self.clock.now() + seconds
        return True

    async def let_go(self, name: str, holder: str) -> None:
        """See Ledger."""
        self._check("hold")
        if self.holds.get(name, ("", 0.0))[0] == holder:
            del self.holds[name]

    def _check(self, operation: str) -> None:
        self.asked[operation] += 1
        if self.is_down:
            raise StoreUnavailable(operation, "down")
