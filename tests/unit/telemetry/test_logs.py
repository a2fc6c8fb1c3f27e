"""Log lines: one a record, readable by machines or by people, whatever is in them."""

import contextlib
import io
import json
import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from proxy.exchange.ports import Exchanged
from proxy.policy import dispositions
from proxy.telemetry import logs
from proxy.telemetry.observer import Telemetry
from tests.support.builders import a_request


@pytest.fixture(autouse=True)
def _quiet_afterwards() -> Iterator[None]:
    raising = logging.raiseExceptions
    yield
    logging.raiseExceptions = raising
    logger = logging.getLogger("tambo")
    logger.handlers.clear()
    logger.propagate = True
    logger.setLevel(logging.NOTSET)


def lines(stream: io.StringIO) -> list[str]:
    return stream.getvalue().splitlines()


def an_exchange(target: str) -> Exchanged:
    return Exchanged(a_request(target), "ruc", dispositions.hit(5), 200, 0.00123, "k", 2.5, 99)


def test_a_request_is_one_json_object() -> None:
    stream = io.StringIO()
    logs.set_up("info", as_json=True, stream=stream)
    Telemetry().exchanged(an_exchange('/a"\x1b[31m\n'))
    (line,) = lines(stream)
    read = json.loads(line)
    assert (read["message"], read["target"], read["cache"], read["seconds"]) == (
        "request",
        '/a"\x1b[31m\n',
        "HIT",
        0.00123,
    )
    assert "\x1b" not in line
    assert read["time"].endswith("+00:00")
    assert "detail" not in read


def test_on_a_terminal_a_target_cannot_write_control_characters() -> None:
    stream = io.StringIO()
    logs.set_up("info", as_json=False, stream=stream)
    Telemetry().exchanged(an_exchange("/a\x1b[31m\nfake"))
    (line,) = lines(stream)
    assert "GET /a\\x1b[31m\\nfake 200 HIT 0.001s" in line


def test_a_bug_comes_with_its_traceback() -> None:
    stream = io.StringIO()
    logs.set_up("info", as_json=True, stream=stream)
    with pytest.raises(ZeroDivisionError) as caught:
        _ = 1 // 0
    Telemetry().internal_error("serve", caught.value)
    assert "1 // 0" in json.loads(lines(stream)[0])["exception"]


def test_a_log_that_cannot_be_written_stops_nothing() -> None:
    class Full(io.StringIO):
        def write(self, text: str, /) -> int:
            raise OSError(28, "No space left on device")

    logs.set_up("info", as_json=True, stream=Full())
    for _ in range(3):
        Telemetry().exchanged(an_exchange("/a"))
    assert logs.dropped() == 3
    stream = io.StringIO()
    logs.set_up("info", as_json=True, stream=stream)
    Telemetry().exchanged(an_exchange("/a"))
    assert len(lines(stream)) == 1
    assert logs.dropped() == 3, "a reload forgets none"


def test_a_full_disk_takes_no_line_and_each_is_counted() -> None:
    with contextlib.suppress(OSError), Path("/dev/full").open("w") as full:
        logs.set_up("info", as_json=True, stream=full)
        for _ in range(200):  # more than is buffered
            Telemetry().exchanged(an_exchange("/a"))
        assert logs.dropped() == 200


def test_what_nobody_wants_to_read_is_not_dropped() -> None:
    logs.set_up("error", as_json=True, stream=io.StringIO())
    Telemetry().exchanged(an_exchange("/a"))
    assert logs.dropped() == 0
