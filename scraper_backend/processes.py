"""The operating system's processes behind a browser: find, kill, reap. Linux only; elsewhere it finds none.

A driver is started as leader of a session of its own, which everything it starts inherits.
"""

import contextlib
import ctypes
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

_PR_SET_CHILD_SUBREAPER: Final = 36
_CHROMIUM: Final = "chrom"
_DRIVER: Final = "chromedriver"


class Process(NamedTuple):
    """One line of the process table. `session` is the pid of the session's leader."""

    pid: int
    name: str
    state: str
    parent: int
    session: int


def adopt_orphans() -> bool:
    """Make this process the parent of its descendants' orphans, so that `reap` can end them.

    Needed where process 1 reaps nobody, as in containers without an init: Chromium leaves zombies behind. Returns
    whether the system knows how.
    """
    try:
        return bool(ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) == 0)
    except (AttributeError, OSError):
        return False


def reap() -> None:
    """Take note of Chromium's dead processes that are this process's children. Leaves drivers to those who wait."""
    for process in everything():
        mine = process.parent == os.getpid() and process.state == "Z"
        if mine and process.name.startswith(_CHROMIUM) and process.name != _DRIVER:
            with contextlib.suppress(ChildProcessError):
                os.waitpid(process.pid, os.WNOHANG)


def kill_session(leader: int, *, spare_leader: bool) -> None:
    """Kill every process of the session led by `leader`; the leader too unless it is to be spared."""
    for process in everything():
        if process.session == leader and not (spare_leader and process.pid == leader):
            with contextlib.suppress(ProcessLookupError):
                os.kill(process.pid, signal.SIGKILL)


def everything() -> Iterator[Process]:
    """Read the process table; nothing where there is no /proc."""
    for entry in Path("/proc").glob("[0-9]*/stat"):
        try:
            stat = entry.read_text("utf-8", "replace")
        except OSError:
            continue
        head, _, tail = stat.rpartition(")")  # the name may hold spaces and brackets
        state, parent, _, session, *_ = tail.split()
        pid, _, name = head.partition(" (")
        yield Process(int(pid), name, state, int(parent), int(session))
