"""Interim responses to one client: which are written, and when no more."""

from proxy.edge.server.interim import MAX_BYTES, InterimResponses
from proxy.edge.server.outlet import Outlet
from proxy.policy.messages import Fields, ResponseHead
from tests.unit.edge.upstream.fake_transport import FakeTransport

HINT = ResponseHead(103, Fields([("Link", "</a>")]), "Early Hints")
HINT_TEXT = b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"
CONTINUE = ResponseHead(100, Fields([("X", "y")]), "Go on")
CONTINUE_TEXT = b"HTTP/1.1 100 Continue\r\n\r\n"


class Client:
    """One request's interim responses, and what of them was written."""

    def __init__(self) -> None:
        self.bugs: list[BaseException] = []
        self.transport = FakeTransport()
        self.outlet = Outlet(self.transport, 1.0)
        self.interim = InterimResponses(self.outlet, lambda _, bug: self.bugs.append(bug))

    def told(self, *heads: ResponseHead) -> bytes:
        """What is written for these."""
        before = len(self.transport.written)
        for head in heads:
            self.interim.forward(head)
        return self.transport.written[before:]


def opened(*, expects_continue: bool = False) -> Client:
    client = Client()
    client.interim.open(expects_continue=expects_continue)
    return client


def test_they_are_written_at_once_and_in_order() -> None:
    processing = ResponseHead(102, Fields())
    client = opened()
    assert client.told(processing, HINT) == b"HTTP/1.1 102 Processing\r\n\r\n" + HINT_TEXT
    assert client.outlet.sent == len(client.transport.written)


def test_one_that_nobody_knows_is_written_as_it_came() -> None:
    assert opened().told(ResponseHead(199, Fields([("A", "\xe9")]), "What")) == b"HTTP/1.1 199 What\r\nA: \xe9\r\n\r\n"


def test_they_carry_no_framing_and_no_date() -> None:
    fields = Fields([("Content-Length", "3"), ("Transfer-Encoding", "chunked"), ("Connection", "close"), ("A", "b")])
    assert opened().told(ResponseHead(103, fields, "E")) == b"HTTP/1.1 103 E\r\nA: b\r\n\r\n"


def test_a_client_that_knows_none_gets_none() -> None:
    client = Client()
    client.interim.invite()
    assert client.told(HINT, CONTINUE) == b""


def test_nothing_is_written_once_the_final_head_begins() -> None:
    client = opened(expects_continue=True)
    client.interim.close()
    client.interim.invite()
    assert client.told(HINT, CONTINUE) == b""


def test_100_is_for_whoever_expects_it() -> None:
    assert opened().told(CONTINUE) == b""


def test_100_is_said_once() -> None:
    client = opened(expects_continue=True)
    assert client.told(CONTINUE, CONTINUE) == CONTINUE_TEXT
    client.interim.invite()
    assert client.transport.written == CONTINUE_TEXT


def test_100_is_not_said_again_after_an_invitation() -> None:
    client = opened(expects_continue=True)
    client.interim.invite()
    assert client.told(CONTINUE) == b""


def test_a_client_that_does_not_read_is_told_nothing_more() -> None:
    client = opened()
    client.outlet.pause()
    assert client.told(HINT) == b""
    client.outlet.resume()
    assert client.told(HINT) == HINT_TEXT


def test_their_size_is_bounded() -> None:
    client = opened()
    large = ResponseHead(103, Fields([("Link", "x" * 8000)]), "Early Hints")
    told = client.told(*[large] * 64)
    assert MAX_BYTES - 8100 < len(told) <= MAX_BYTES
    assert told.endswith(b"x\r\n\r\n")


def test_nobody_is_left_to_be_told() -> None:
    client = opened(expects_continue=True)
    client.transport.is_closed = True
    assert client.told(HINT, CONTINUE) == b""
    assert client.bugs == []


def test_a_head_that_breaks_its_line_is_a_bug_and_is_not_written() -> None:
    client = opened()
    assert client.told(ResponseHead(103, Fields([("A", "b\r\nC: d")]))) == b""
    assert [type(bug) for bug in client.bugs] == [ValueError]
