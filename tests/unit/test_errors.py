"""An error that is kept, and the one that is raised in its place."""

import gc
import weakref

import pytest

from proxy.errors import ClientGoneError, Failure, UpstreamError, afresh


@pytest.mark.parametrize(
    "error",
    [
        UpstreamError(Failure.SHED, "the queue is full", 5, 2),
        ClientGoneError("left"),
        OSError(104, "reset"),
        KeyError(1),
    ],
)
def test_it_says_the_same(error: Exception) -> None:
    twin = afresh(error)
    assert twin is not error
    assert (type(twin), str(twin), twin.args, vars(twin)) == (type(error), str(error), error.args, vars(error))


def _time_out() -> None:
    raise UpstreamError(Failure.TIMEOUT, "late")


class Keeper:
    """Keeps what it failed with."""

    def __init__(self) -> None:
        self.error: UpstreamError | None = None

    def fail(self) -> None:
        """Raise it and keep it."""
        try:
            _time_out()
        except UpstreamError as error:
            self.error = error
            raise afresh(error) from None


def test_who_keeps_an_error_is_not_held_by_it() -> None:
    keeper = Keeper()
    gone = weakref.ref(keeper)
    gc.disable()
    try:
        with pytest.raises(UpstreamError):
            keeper.fail()
        del keeper
        assert gone() is None
    finally:
        gc.enable()
