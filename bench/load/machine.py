"""What processes use of the machine, read from /proc: CPU, memory, and what others use meanwhile. Starts nothing."""

import os
from dataclasses import dataclass
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")


def tree(pid: int) -> list[int]:
    """A process and all its descendants."""
    found, left = [], [pid]
    while left:
        one = left.pop()
        found.append(one)
        for children in Path(f"/proc/{one}/task").glob("*/children"):
            try:
                left += map(int, children.read_text().split())
            except OSError:
                continue
    return found


def cpu_seconds(pid: int) -> float:
    """User and system time of a process and its descendants."""
    ticks = 0
    for one in tree(pid):
        try:
            fields = Path(f"/proc/{one}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        ticks += int(fields[11]) + int(fields[12])
    return ticks / _TICKS


def peak_mb(pid: int) -> float:
    """The most memory that a process and its descendants had, in MB."""
    kilobytes = 0
    for one in tree(pid):
        try:
            lines = Path(f"/proc/{one}/status").read_text().splitlines()
        except OSError:
            continue
        kilobytes += sum(int(line.split()[1]) for line in lines if line.startswith("VmHWM"))
    return kilobytes / 1024


def forget_peak(pid: int) -> None:
    """Measure the peak from now on."""
    for one in tree(pid):
        Path(f"/proc/{one}/clear_refs").write_text("5")


@dataclass(frozen=True)
class Usage:
    """CPU seconds used so far: by the machine, and of it by ours."""

    machine: float
    ours: float

    @classmethod
    def now(cls, *pids: int) -> "Usage":
        """``pids``: trees that are ours, besides our own children that have ended."""
        fields = [int(field) for field in Path("/proc/stat").read_text().split("\n")[0].split()[1:9]]
        own = os.times()
        ours = own.children_user + own.children_system + own.user + own.system
        return cls((sum(fields) - fields[3] - fields[4]) / _TICKS, ours + sum(map(cpu_seconds, pids)))

    def foreign_since(self, before: "Usage", seconds: float) -> float:
        """Cores that others used meanwhile."""
        return max(0.0, (self.machine - before.machine - (self.ours - before.ours)) / seconds)
