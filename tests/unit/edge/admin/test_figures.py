"""What ``/admin/stats`` and ``/admin/top`` read, and that they show what is counted."""

from collections.abc import Awaitable, Callable

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient

from proxy.edge.admin.figures import Figures, read_order
from proxy.edge.admin.gatekeeper import gatekeeper
from proxy.errors import ClientError

StartClient = Callable[[web.Application], Awaitable[TestClient[web.Request, web.Application]]]


async def test_they_show_what_is_counted(aiohttp_client: StartClient) -> None:
    app = web.Application(middlewares=[gatekeeper(None)])
    Figures(lambda: {"workers": 1}, lambda order: {"order": order, "keys": []}).add_to(app)
    client = await aiohttp_client(app)
    assert await (await client.get("/admin/stats")).json() == {"workers": 1}
    assert (await client.get("/admin/stats?x=1")).status == 400
    assert await (await client.get("/admin/top")).json() == {"order": "hits", "keys": []}
    assert await (await client.get("/admin/top?by=slow")).json() == {"order": "slow", "keys": []}


@pytest.mark.parametrize(
    ("query", "problem"),
    [
        ({"by": "slwo"}, "'by' cannot be 'slwo'; did you mean 'slow'?"),
        ({"by": ""}, "'by' cannot be ''; the orders are hits, slow, failing"),
        ({"order": "slow"}, "unknown name 'order'; the name is by"),
    ],
)
def test_bad_queries_are_told_why(query: dict[str, str], problem: str) -> None:
    with pytest.raises(ClientError) as caught:
        read_order(query)
    assert (caught.value.status, caught.value.problem) == (400, problem)
