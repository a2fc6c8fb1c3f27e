"""A worker's own socket."""

from pathlib import Path

from proxy.app.place import WorkerPlace


def test_no_two_workers_have_the_same_socket() -> None:
    first, second = (WorkerPlace(number, None, Path("/run/x")).admin for number in (1, 2))
    assert first != second
    assert first.parent == second.parent == Path("/run/x")
