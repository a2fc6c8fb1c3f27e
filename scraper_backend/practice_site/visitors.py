"""Who visits: sessions, the numbers they have seen, blocked addresses, arrival rates. Must not answer anybody.

Everything is bounded; what is oldest is forgotten first.
"""

import random
import string
from collections import OrderedDict, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, TypeVar

MOST_VISITORS: Final = 2000
MOST_NUMBERS: Final = 64
MINUTE: Final = 60.0
BASE62: Final = string.ascii_letters + string.digits


V = TypeVar("V")


class Recent(OrderedDict[str, V]):
    """A dictionary of the keys set last, of at most MOST_VISITORS."""

    def __setitem__(self, key: str, value: V) -> None:
        super().__setitem__(key, value)
        self.move_to_end(key)
        while len(self) > MOST_VISITORS:
            self.popitem(last=False)


@dataclass(slots=True)
class Visitors:
    """The site's memory of its visitors. `clock` is monotonic seconds."""

    clock: Callable[[], float]
    dice: random.Random
    _sessions: Recent[bool] = field(default_factory=Recent)  # id -> alive; a dropped id stays known as dropped
    _seen: Recent[deque[str]] = field(default_factory=Recent)
    _blocked: Recent[float] = field(default_factory=Recent)
    _arrivals: Recent[deque[float]] = field(default_factory=Recent)

    def open_session(self) -> str:
        """A new session's id in the server's style: base-62 digits and two numbers."""
        digits = "".join(self.dice.choices(BASE62, k=52))
        identifier = f"{digits}!{self.dice.randint(-(10**9), 10**9)}!{self.dice.randint(10**8, 10**9)}"
        self._sessions[identifier] = True
        return identifier

    def is_open(self, session: str) -> bool:
        """Whether the server still has this session."""
        return self._sessions.get(session, False)

    def was_dropped(self, session: str) -> bool:
        """Whether the server had this session and lost it."""
        return self._sessions.get(session, True) is False

    def drop(self, session: str) -> None:
        """Lose a session on the server's side; the visitor keeps its cookie."""
        if session in self._sessions:
            self._sessions[session] = False

    def remember(self, visitor: str, ruc: str) -> None:
        """Note that `visitor` was shown this number: it may come back to it without a token."""
        self._seen[visitor] = self._seen.get(visitor) or deque(maxlen=MOST_NUMBERS)
        self._seen[visitor].append(ruc)

    def remembers(self, visitor: str, ruc: str) -> bool:
        """Whether `visitor` was shown this number lately."""
        return ruc in self._seen.get(visitor, ())

    def block(self, address: str, seconds: float) -> None:
        """Refuse every connection from `address` for a while; 0 s does nothing."""
        if seconds > 0:
            self._blocked[address] = self.clock() + seconds

    def is_blocked(self, address: str) -> bool:
        """Whether `address` is still refused."""
        if self._blocked.get(address, self.clock()) > self.clock():
            return True
        self._blocked.pop(address, None)
        return False

    def too_many(self, address: str, per_minute: float) -> bool:
        """Count one arrival; whether more than `per_minute` came within the last sixty seconds."""
        now = self.clock()
        self._arrivals[address] = arrivals = self._arrivals.get(address) or deque(maxlen=int(per_minute) + 1)
        arrivals.append(now)
        return sum(now - then < MINUTE for then in arrivals) > per_minute

    def forgive(self) -> None:
        """Unblock everybody and forget arrival rates."""
        self._blocked.clear()
        self._arrivals.clear()
