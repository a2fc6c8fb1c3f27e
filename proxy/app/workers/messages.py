"""What the supervisor and a worker say to each other, as values. Sends nothing."""

from pathlib import Path
from typing import Any, Final, TypeAlias

from msgspec import Struct

from proxy.app.place import WorkerPlace
from proxy.config.file import FileText

PROTOCOL: Final = 1
"""Rises with each change of these messages, or of the hub's words, that a process of the one before cannot read."""


class Setup(Struct, frozen=True):
    """A configuration as it was read: the same for every worker, whatever the file says meanwhile. The environment is
    the worker's own, and the supervisor's."""

    shown: str | None
    """The file's name; None: there is none."""
    text: str
    options: tuple[tuple[str, str, str], ...]
    """The command line's: dotted key, text, and the option's name."""

    @property
    def file(self) -> FileText | None:
        """The file; None: there is none."""
        return None if self.shown is None else FileText(self.shown, self.text)


class Start(Struct, frozen=True, tag="start"):
    """To the worker: serve."""

    number: int
    hub: str | None
    runtime: str
    sockets: tuple[int, ...]
    """Descriptors that were inherited."""
    first: Setup
    """By which Tambo started: what cannot change in place stays as it says."""
    now: Setup
    generation: int
    mode: str = "normal"
    mode_seconds: float | None = None
    """What is left of it; None: it does not end by itself."""
    protocol: int = 0
    """What the supervisor speaks; 0: it is older than this number."""

    @property
    def place(self) -> WorkerPlace:
        """Where the worker stands."""
        return WorkerPlace(self.number, None if self.hub is None else Path(self.hub), Path(self.runtime))


class Prepare(Struct, frozen=True, tag="prepare"):
    """To the worker: make ready to follow another configuration."""

    now: Setup
    generation: int


class Commit(Struct, frozen=True, tag="commit"):
    """To the worker: follow what was prepared."""


class Retire(Struct, frozen=True, tag="retire"):
    """To the worker: another has taken your place; end when those who are with you have gone."""


class Ready(Struct, frozen=True, tag="ready"):
    """From the worker: it serves."""


class Failed(Struct, frozen=True, tag="failed"):
    """From the worker: it cannot serve."""

    reason: str
    is_config: bool


class Prepared(Struct, frozen=True, tag="prepared"):
    """From the worker, to Prepare: it can; or why not."""

    problem: str | None = None


class Followed(Struct, frozen=True, tag="followed"):
    """From the worker, to Commit."""


class Counted(Struct, frozen=True, tag="counted"):
    """From the worker, at its end: its metrics, in the text format, and its figures."""

    metrics: str
    figures: dict[str, Any] = {}


Order: TypeAlias = Start | Prepare | Commit | Retire
Word: TypeAlias = Ready | Failed | Prepared | Followed | Counted
