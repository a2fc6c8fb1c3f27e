"""From the listener's words to the observer's."""

from proxy.app.finishing import exchanged
from proxy.edge.server.settings import Finished
from proxy.policy.disposition import Result
from tests.support.builders import a_request


def test_a_connection_that_never_became_a_request_is_not_told_of() -> None:
    assert exchanged(Finished(None, None, 0, 0.1, 0, aborted=True)) is None


def test_what_could_not_be_read_is_nobodys_and_has_no_route() -> None:
    told = exchanged(Finished(None, None, 400, 0.1, 90, aborted=False))
    assert told is not None
    assert (told.route, told.status, told.request.method, told.sent_bytes) == ("none", 400, "", 90)
    assert told.disposition.result is not Result.HIT


def test_who_left_before_an_answer_is_told_of() -> None:
    told = exchanged(Finished(a_request(target="/a"), None, 0, 0.5, 0, aborted=True))
    assert told is not None
    assert (told.request.target, told.seconds, told.aborted) == ("/a", 0.5, True)
