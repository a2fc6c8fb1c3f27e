"""Looks at the embedded store's folder and file for ``tambo doctor``: room, rights, health. Repairs nothing."""

import os
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

from proxy.cli.findings import Finding, advice, good, wrong
from proxy.clock import SystemClock
from proxy.config.quantities import show_size

_MOST_SECONDS = 10.0
"""For the quick check of a file."""
_MIB = 1024 * 1024


def examine_folder(folder: str, file_name: str, capacity: int) -> list[Finding]:
    """The folder, the room on its disk, and the file if there is one. ``capacity``: bytes that it may take."""
    path = Path(folder)
    problem = _unwritable(path)
    if problem is not None:
        said = f"{path} cannot be written: {problem}"
        return [wrong("data folder", said, "give Tambo's user the right to it, or set DATA_DIR")]
    findings = [good("data folder", f"{path} can be written")]
    file = path / file_name
    size = sum(each.stat().st_size for end in ("", "-wal") if (each := Path(f"{file}{end}")).exists())
    findings.append(_room(path, size, capacity))
    if not file.exists():
        return [*findings, good("embedded store", "nothing is stored yet")]
    return [*findings, _file(file, size)]


def _unwritable(path: Path) -> str | None:
    """Why nothing can be written there; None: it can. A folder that is missing is one that can be made."""
    there = path
    while not there.exists() and there != there.parent:
        there = there.parent
    if not there.is_dir():
        return f"{there} is no folder"
    if there != path:
        return None if os.access(there, os.W_OK | os.X_OK) else f"{there} cannot be written"
    scratch = path / f".tambo-doctor-{os.getpid()}"
    try:
        scratch.write_bytes(b"x")
        scratch.unlink()
    except OSError as error:
        return error.strerror or str(error)
    return None


def _room(path: Path, size: int, capacity: int) -> Finding:
    there = path if path.exists() else next(each for each in path.absolute().parents if each.exists())
    free = shutil.disk_usage(there).free
    said = f"{_shown(size)} of {show_size(capacity)} are taken, {_shown(free)} are free on the disk"
    if size > capacity:
        return advice("disk", said, "store.disk was made smaller: the file shrinks while Tambo runs")
    if free < capacity - size:
        return advice("disk", said, "make room, or lower store.disk: a full disk takes no new answers")
    return good("disk", said)


def _file(file: Path, size: int) -> Finding:
    count = 0
    try:
        with closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True, timeout=1.0)) as db:
            clock = SystemClock()
            until = clock.monotonic() + _MOST_SECONDS
            db.set_progress_handler(lambda: clock.monotonic() > until, 10_000)
            said = [row[0] for row in db.execute("PRAGMA quick_check(1)")]
            count = db.execute("SELECT count(*) FROM stored").fetchone()[0]
    except sqlite3.OperationalError as error:
        if "interrupted" in str(error):
            return advice("embedded store", f"{file} was not read through in {_MOST_SECONDS:g} s", "check it at rest")
        return wrong("embedded store", f"{file} cannot be read: {error}", "give Tambo's user the right to it")
    except sqlite3.DatabaseError as error:
        said = [str(error)]
    if said != ["ok"]:
        do = "Tambo sets it aside at its next start, and begins anew; look at the disk"
        return wrong("embedded store", f"{file} is damaged: {said[0]}", do)
    return good("embedded store", f"{count} stored responses in {_shown(size)}, and the file is sound")


def _shown(size: int) -> str:
    return f"{size / _MIB:.1f} MiB" if size < 1024 * _MIB else f"{size / _MIB / 1024:.1f} GiB"
