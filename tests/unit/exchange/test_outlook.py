"""What is foretold of facts; that it then happens is tests/unit/exchange/test_explaining."""

from proxy.exchange.operating import Operating, OperatingMode
from proxy.exchange.outlook import Act, Facts, foresee
from proxy.policy.disposition import NotStoredReason
from proxy.policy.messages import Fields, RequestHead
from proxy.policy.route import match_route
from proxy.policy.storability import admit
from tests.support.scenario import a_route


def test_offline_with_nothing_looked_up_is_refused() -> None:
    routes = (a_route(),)
    request = RequestHead("POST", "/a", Fields())
    match = match_route(routes, "POST", "/a")
    facts = Facts(request, routes, match, admit(request, match.route), Operating(OperatingMode.OFFLINE), 0.0)
    outlook = foresee(facts)
    assert (outlook.act, outlook.reason) == (Act.REFUSE, NotStoredReason.MODE)
