"""How many connections a limit of open files allows."""

import pytest

from proxy.app.descriptors import Room, room


@pytest.mark.parametrize(
    ("limit", "expected"),
    [
        (80, Room(24, 24)),
        (1024, Room(448, 448)),
        (20_000, Room(10_000, 512)),
        (2048, Room(1280, 512)),
        (20, Room(1, 1)),
        (-1, Room(10_000, 512)),
    ],
)
def test_room(monkeypatch: pytest.MonkeyPatch, limit: int, expected: Room) -> None:
    monkeypatch.setattr("resource.getrlimit", lambda _: (limit, limit))
    assert room(10_000, 512) == expected


def test_what_is_wanted_is_never_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("resource.getrlimit", lambda _: (1024, 1024))
    assert room(100, 8) == Room(100, 8)
