"""PURGE on the public port: who may, what it answers, and what goes on to the upstream."""

import json
from ipaddress import ip_network
from typing import Any

import pytest

from proxy.errors import StoreUnavailable
from proxy.exchange.purge_desk import NOT_KNOWN, PurgeDesk
from proxy.exchange.purge_method import PurgeCallers, PurgeMethod
from proxy.exchange.purges import AskedMode, PurgeKind, PurgeMode
from proxy.exchange.purging import Purger
from tests.support.builders import a_request
from tests.support.entries import no_inventory
from tests.support.scenario import Scenario

NEAR = (ip_network("10.0.0.0/8"), ip_network("::1"))


class Port:
    """A public port over a scenario."""

    def __init__(self, callers: PurgeCallers) -> None:
        self.play = Scenario()
        self.purges: list[tuple[str, str, int | None]] = []
        self.refreshed: list[str] = []
        purger = Purger(self.play.routes, self.play.store, lambda purge, _: self.refreshed.append(purge.argument))
        desk = PurgeDesk(purger, no_inventory(), lambda *purge: self.purges.append(purge))
        self.method = PurgeMethod(callers, desk, self.play.exchange.answer)

    async def purge(self, target: str = "/a", peer: str = "10.1.2.3", **lines: str) -> tuple[int, Any]:
        fields = {name.replace("_", "-"): value for name, value in lines.items()}
        answer = await self.method.answer(a_request(target, "PURGE", fields, peer=peer), None)
        assert isinstance(answer.body, bytes)
        return answer.head.status, json.loads(answer.body)


@pytest.mark.parametrize(
    ("callers", "peer", "authorization", "may"),
    [
        (PurgeCallers(), "10.1.2.3", "Bearer t", False),
        (PurgeCallers(NEAR), "10.1.2.3", None, True),
        (PurgeCallers(NEAR), "::ffff:10.1.2.3", None, True),
        (PurgeCallers(NEAR), "::1", None, True),
        (PurgeCallers(NEAR), "11.1.2.3", None, False),
        (PurgeCallers(NEAR), "", None, False),
        (PurgeCallers(NEAR), "10.1.2.3, 11.1.1.1", None, True),
        (PurgeCallers(NEAR), "11.1.2.3, 10.1.1.1", None, False),
        (PurgeCallers((), "t"), "11.1.2.3", "Bearer t", True),
        (PurgeCallers((), "t"), "11.1.2.3", "bearer  t ", True),
        (PurgeCallers((), "t"), "11.1.2.3", "Bearer T", False),
        (PurgeCallers((), "t"), "11.1.2.3", "Basic t", False),
        (PurgeCallers((), "t"), "11.1.2.3", None, False),
        (PurgeCallers(NEAR, "t"), "10.1.2.3", "Bearer t", True),
        (PurgeCallers(NEAR, "t"), "11.1.2.3", "Bearer t", False),
        (PurgeCallers(NEAR, "t"), "10.1.2.3", None, False),
    ],
)
def test_for_whom_it_is_enabled(callers: PurgeCallers, peer: str, authorization: str | None, may: bool) -> None:
    lines = {} if authorization is None else {"Authorization": authorization}
    assert callers.has(a_request("/a", "PURGE", lines, peer=peer)) is may


@pytest.mark.parametrize("mode", AskedMode)
async def test_it_purges_the_url_as_asked_and_answers_like_the_api(mode: AskedMode) -> None:
    port = Port(PurgeCallers(NEAR))
    await port.play.get("/a?b=1")
    assert await port.purge("/a?b=1", X_Purge=mode.value) == (200, {"kind": "url", "mode": mode, "count": 1})
    assert port.purges == [("url", mode, 1)]
    assert [(purge.kind, purge.argument, purge.mode) for purge in port.play.store.purges] == [
        (PurgeKind.URL, "/a?b=1", PurgeMode.HARD if mode is AskedMode.HARD else PurgeMode.SOFT)
    ]
    assert port.refreshed == (["/a?b=1"] if mode is AskedMode.REFRESH else [])
    assert len(port.play.origin.requests) == 1


async def test_it_is_soft_unless_told_otherwise() -> None:
    port = Port(PurgeCallers(NEAR))
    assert (await port.purge())[1]["mode"] == "soft"


async def test_a_mode_that_is_none_is_told() -> None:
    status, problem = await Port(PurgeCallers(NEAR)).purge(X_Purge="all")
    assert (status, problem["detail"]) == (400, "X-Purge must be one of soft, hard, refresh, not 'all'")


async def test_anyone_elses_goes_to_the_upstream() -> None:
    port = Port(PurgeCallers(NEAR))
    answer = await port.method.answer(a_request("/a", "PURGE", peer="11.0.0.1"), None)
    assert [request.method for request in port.play.origin.requests] == ["PURGE"]
    assert answer.disposition.x_cache == "BYPASS"
    assert port.purges == []


async def test_a_store_that_cannot_be_written_is_a_503() -> None:
    port = Port(PurgeCallers(NEAR))
    port.play.store.is_down = True
    with pytest.raises(StoreUnavailable):
        await port.play.store.lookup(port.method._desk.purger.key_of("/a"))
    status, problem = await port.purge()
    assert (status, problem["detail"]) == (503, NOT_KNOWN)


async def test_other_methods_go_on() -> None:
    port = Port(PurgeCallers(NEAR))
    answer = await port.method.answer(a_request("/a", peer="10.1.1.1"), None)
    assert answer.disposition.x_cache == "MISS"
