"""What the embedded store needs to know of other processes that use its file; and what holds where there are none."""

import sys
from collections.abc import Callable
from typing import Protocol


class Company(Protocol):
    """The other processes, seen from one of them."""

    @property
    def keeps_house(self) -> bool:
        """Whether this process carries out purges and expiry on the file: one does at a time."""
        ...

    @property
    def all_know(self) -> int:
        """The position up to which everyone who may answer from memory knows the purge log."""
        ...

    def changed(self, text: str) -> None:
        """What is stored under a key (its text) is another now, and can be read: tell the others behind."""
        ...

    def forgot(self, position: int) -> None:
        """The log has lost its purges up to here."""
        ...

    def watch(self, doubt: Callable[[str | None], None]) -> None:
        """Tell ``doubt`` of each key that another process changed; None: any may have been."""
        ...


class Nobody:
    """The Company of a process that has the file for itself."""

    keeps_house = True
    all_know = sys.maxsize

    def changed(self, text: str) -> None:
        """See Company."""

    def forgot(self, position: int) -> None:
        """See Company."""

    def watch(self, doubt: Callable[[str | None], None]) -> None:
        """See Company."""
