"""How Tambo works at present: normally, offline, or as if it were not there; and until when. Answers no request."""

import logging
from enum import StrEnum
from typing import Final

from msgspec import Struct

from proxy.clock import Clock
from proxy.exchange.residence import Residence

LOG: Final = logging.getLogger("tambo.mode")


class OperatingMode(StrEnum):
    """What an operator may switch to."""

    NORMAL = "normal"
    OFFLINE = "offline"
    """Answers of any age, never a fetch."""
    BYPASS = "bypass"
    """Every request goes to the upstream; nothing is looked up or stored."""


class Operating(Struct, frozen=True):
    """A mode, and the seconds until it ends by itself (None: it does not)."""

    mode: OperatingMode
    seconds_left: float | None = None


class ModeSwitch:
    """The mode of this process. It ends with the process: one that starts works normally."""

    __slots__ = ("_clock", "_ends", "_mode", "_residence")

    def __init__(self, clock: Clock, residence: Residence | None = None) -> None:
        """``residence``: who answers from memory without asking is told when the mode is another."""
        self._clock = clock
        self._residence = residence or Residence()
        self._mode = OperatingMode.NORMAL
        self._ends: float | None = None

    def set(self, mode: OperatingMode, seconds: float | None = None, by: str = "") -> None:
        """Work so from now on, for ``seconds`` (above 0), then normally again; None: until told otherwise."""
        self._mode = mode
        self._residence.begin_epoch()
        self._ends = None if seconds is None or mode is OperatingMode.NORMAL else self._clock.monotonic() + seconds
        LOG.warning("mode", extra={"mode": mode.value, "seconds": seconds, "by": by or None})

    @property
    def mode(self) -> OperatingMode:
        """How to treat a request that comes now."""
        if self._ends is not None and self._clock.monotonic() >= self._ends:
            self._mode, self._ends = OperatingMode.NORMAL, None
            LOG.warning("mode", extra={"mode": self._mode.value, "detail": "its time is over"})
        return self._mode

    @property
    def is_normal(self) -> bool:
        """Whether there is nothing to think of. Costs next to nothing."""
        return self._mode is OperatingMode.NORMAL

    @property
    def is_normal_now(self) -> bool:
        """The same, and a mode whose time is over is over."""
        return self.mode is OperatingMode.NORMAL

    @property
    def now(self) -> Operating:
        """The mode and what is left of it."""
        mode = self.mode
        return Operating(mode, None if self._ends is None else max(0.0, self._ends - self._clock.monotonic()))
