"""What is remembered of a key that failed, as bytes and back, for processes with their own clocks. Shares nothing."""

from proxy.errors import Failure
from proxy.exchange.holdoff import Setback


def written(setback: Setback) -> bytes:
    """Failures in a row, milliseconds from the pause's end until it is forgotten, what failed, the route."""
    rest = int((setback.forgotten - setback.until) * 1000)
    return f"{setback.count} {rest} {setback.failure} {setback.route}".encode()


def read(value: bytes, left: float, now: float) -> Setback | None:
    """The opposite, ``left`` seconds before it is forgotten; None where it is nothing of the kind."""
    try:
        count, rest, failure, route = value.decode().split(" ", 3)
        until = now + left - int(rest) / 1000
        return Setback(route, Failure(failure), int(count), until, now + left) if left > 0 else None
    except (ValueError, OverflowError):
        return None
