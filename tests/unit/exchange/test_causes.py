"""How urgent each cause is."""

from proxy.exchange.causes import PRIORITIES, Cause


def test_clients_go_before_refreshes_before_what_is_early_before_lists() -> None:
    causes = (Cause.MISS, Cause.PASS, Cause.REFRESH, Cause.AHEAD, Cause.WARM)
    assert [PRIORITIES[cause] for cause in causes] == [0, 0, 1, 2, 3]
    assert set(PRIORITIES) == set(Cause)
