"""What is said of a data folder and the file in it."""

import os
from pathlib import Path

import pytest

from proxy.cli.doctor_store import examine_folder
from proxy.cli.findings import Finding, State
from proxy.store.disk import DiskStore
from tests.support.builders import a_key, a_stored
from tests.support.clock import FakeClock

NAME, ROOM = "tambo.sqlite", 64 * 1024 * 1024


def about(findings: list[Finding], what: str) -> Finding:
    (found,) = [finding for finding in findings if finding.about == what]
    return found


async def _filled(folder: Path, count: int = 3) -> Path:
    store = DiskStore(folder, FakeClock())
    await store.open()
    for number in range(count):
        await store.put(a_key(f"/{number}"), a_stored(b"x" * 5000, target=f"/{number}"), 60)
    await store.close()
    return folder / NAME


def test_a_folder_that_can_be_made_is_well(tmp_path: Path) -> None:
    findings = examine_folder(str(tmp_path / "a" / "b"), NAME, ROOM)
    assert [finding.state for finding in findings] == [State.OK] * 3
    assert not (tmp_path / "a").exists()


async def test_a_file_is_counted_and_read_through(tmp_path: Path) -> None:
    await _filled(tmp_path)
    findings = examine_folder(str(tmp_path), NAME, ROOM)
    assert about(findings, "embedded store").said.startswith("3 stored responses in ")
    assert [finding.state for finding in findings] == [State.OK] * 3
    assert [name for name in os.listdir(tmp_path) if "doctor" in name] == []


async def test_a_damaged_file_is_told(tmp_path: Path) -> None:
    file = await _filled(tmp_path, 200)
    data = bytearray(file.read_bytes())
    data[8192 : len(data) - 4096] = b"\xff" * (len(data) - 4096 - 8192)
    file.write_bytes(data)
    finding = about(examine_folder(str(tmp_path), NAME, ROOM), "embedded store")
    assert (finding.state, "is damaged" in finding.said) == (State.WRONG, True)


def test_what_is_no_database_is_told(tmp_path: Path) -> None:
    (tmp_path / NAME).write_bytes(b"no database" * 1000)
    finding = about(examine_folder(str(tmp_path), NAME, ROOM), "embedded store")
    assert (finding.state, "is damaged" in finding.said) == (State.WRONG, True)


def test_a_folder_that_is_a_file_is_told(tmp_path: Path) -> None:
    (tmp_path / "f").write_text("")
    (finding,) = examine_folder(str(tmp_path / "f"), NAME, ROOM)
    assert (finding.state, "is no folder" in finding.said) == (State.WRONG, True)


def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> int:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "write_bytes", refuse)
    (finding,) = examine_folder(str(tmp_path), NAME, ROOM)
    assert (finding.state, "Permission denied" in finding.said) == (State.WRONG, True)


async def test_a_file_over_its_room_or_a_disk_without_any_is_told(tmp_path: Path) -> None:
    await _filled(tmp_path)
    assert about(examine_folder(str(tmp_path), NAME, 1000), "disk").state is State.ADVICE
    assert about(examine_folder(str(tmp_path), NAME, 2**60), "disk").state is State.ADVICE
