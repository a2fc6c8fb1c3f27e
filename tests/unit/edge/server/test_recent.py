"""What was seen lately stays; what was not goes; neither number nor weight grows."""

from proxy.edge.server.recent import Recent


def test_what_is_asked_for_outlives_what_is_not() -> None:
    recent: Recent[int, str] = Recent(10, 1000)
    recent.keep(0, "asked for")
    recent.keep(1, "not asked for")
    for number in range(2, 40):
        recent.keep(number, "other")
        assert recent.find(0) == "asked for"
    assert recent.find(1) is None
    assert len(recent) <= 20


def test_weight_is_bounded_too() -> None:
    recent: Recent[int, str] = Recent(1000, 100)
    for number in range(50):
        recent.keep(number, "heavy", 30)
    assert len(recent) <= 8
    recent.clear()
    assert len(recent) == 0
    assert recent.find(49) is None
