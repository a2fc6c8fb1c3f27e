"""Who purged what lately."""

from proxy.exchange.purge_history import PurgeHistory
from tests.support.clock import FakeClock


def test_the_newest_is_first_and_the_oldest_are_forgotten() -> None:
    clock = FakeClock()
    history = PurgeHistory(clock.now, most=2)
    for number in range(3):
        history.note({"kind": "url", "argument": f"/{number}"}, "127.0.0.1")
        clock.advance(1)
    assert history.purges == [
        {"at": "2023-11-14T22:13:22Z", "kind": "url", "argument": "/2", "by": "127.0.0.1"},
        {"at": "2023-11-14T22:13:21Z", "kind": "url", "argument": "/1", "by": "127.0.0.1"},
    ]
