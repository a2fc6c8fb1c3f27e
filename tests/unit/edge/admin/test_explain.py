"""``POST /admin/explain``: what it reads, and the sentences it answers with."""

import json
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient

from proxy.edge.admin.explain import Explain, read_question
from proxy.edge.admin.gatekeeper import gatekeeper
from proxy.errors import ClientError
from proxy.exchange.explaining import Explainer
from proxy.exchange.operating import ModeSwitch, OperatingMode
from tests.support.scenario import Scenario, a_route

Client = TestClient[web.Request, web.Application]
StartClient = Callable[[web.Application], Awaitable[Client]]


class Desk:
    """The endpoint over a scenario."""

    def __init__(self, start: StartClient, known: Mapping[str, str], *routes: Any) -> None:
        self.play = Scenario(routes=routes or (a_route(),))
        self.switch = ModeSwitch(self.play.clock)
        explainer = Explainer(self.switch, self.play.clock)
        explainer.follow(self.play.exchange)
        self._explain = Explain(explainer, lambda: known)
        self._start = start

    async def ask(self, **said: Any) -> dict[str, Any]:
        app = web.Application(middlewares=[gatekeeper(None)])
        self._explain.add_to(app)
        answer = await (await self._start(app)).post("/admin/explain", json=said)
        assert answer.status == 200, await answer.text()
        told = await answer.json()
        assert isinstance(told, dict)
        return told


def refs(said: list[dict[str, Any]]) -> list[str]:
    return [ref for each in said for ref in each["refs"]]


async def test_a_miss_and_a_hit(aiohttp_client: StartClient) -> None:
    ruc = a_route("ruc", "/ruc/{ruc:[0-9]{2}}", ttl=60.0, stale_if_error=100.0)
    desk = Desk(aiohttp_client, {"routes.ruc.stale_if_error": "tambo.toml"}, ruc, a_route())
    told = await desk.ask(method="GET", url="http://any.example/ruc/12?b=1#x")
    assert (told["method"], told["target"], told["stored"]) == ("GET", "/ruc/12?b=1", [])
    assert told["route"]["captures"] == {"ruc": "12"}
    assert told["route"]["why"] == [
        {
            "text": "Route 'ruc' takes it: the first whose path and methods match, with ruc = 12.",
            "refs": ["routes.ruc.match"],
        }
    ]
    assert told["would"]["act"] == "fetch"
    assert told["would"]["x_cache"] == ["MISS"]
    assert told["would"]["why"][0]["text"] == "Nothing is stored under this key."
    assert desk.play.origin.requests == []
    await desk.play.get("/ruc/12?b=1")
    told = await desk.ask(url="/ruc/12?b=1")
    assert told["would"]["cache_status"] == ["tambo; hit; ttl=60"]
    assert [row["selected"] for row in told["stored"]] == [True]
    assert [each["text"] for each in told["would"]["why"]] == [
        "1 response is stored under this key, and it may answer this request.",
        "It is 0s old; the route makes it fresh for 1m.",
        "It stays fresh for 1m more.",
        "It would be answered from the store at once: a hit.",
    ]
    assert refs(told["would"]["why"]) == [
        "RFC 9111 §4",
        "RFC 9111 §4.2",
        "defaults.ttl",
        "RFC 9111 §4.2",
        "RFC 9111 §4",
    ]
    desk.play.clock.advance(70)
    why = (await desk.ask(url="/ruc/12?b=1"))["would"]["why"]
    assert why[-1] == {
        "text": "If the upstream does not answer, what is stored, stale would stand in.",
        "refs": ["RFC 5861 §4", "routes.ruc.stale_if_error"],
    }


async def test_who_came_before_and_how_the_key_is_made(aiohttp_client: StartClient) -> None:
    from proxy.policy.route import KeyRule, QueryRule  # noqa: PLC0415

    rule = KeyRule("t:{a}", QueryRule(sort=True, ignore=("utm_*",)), ("x-lang",), host=True)
    first = a_route("posts", "/**", methods=frozenset({"POST"}))
    desk = Desk(aiohttp_client, {}, first, a_route("made", "/{a}", key=rule), a_route())
    told = await desk.ask(url="/x?utm_a=1&b=2", headers={"Host": "H.example"})
    assert told["route"]["why"][0]["refs"] == ["routes.posts.match.methods"]
    assert told["key"]["text"] == "h.example/t:x?b=2"
    assert refs(told["key"]["made"]) == [
        "routes.made.key.template",
        "routes.made.key.query.sort",
        "routes.made.key.query.ignore",
        "routes.made.key.host",
        "routes.made.key.fields",
    ]


async def test_another_variant_is_stored(aiohttp_client: StartClient) -> None:
    from tests.support.origin import Reply, ScriptedUpstream  # noqa: PLC0415

    desk = Desk(aiohttp_client, {})
    desk.play.origin.replies.clear()
    reply = Reply(lines={"Content-Type": "application/json", "Vary": "Accept-Language", "Cache-Control": "max-age=9"})
    desk.play.origin.replies.extend(ScriptedUpstream(reply).replies)
    await desk.play.get("/a", {"Accept-Language": "es"})
    told = await desk.ask(url="/a", headers=[["Accept-Language", "qu"]])
    assert told["stored"][0]["vary"] == {"accept-language": "es"}
    assert told["stored"][0]["selected"] is False
    assert "selected by accept-language: none may answer" in told["would"]["why"][0]["text"]
    told = await desk.ask(url="/a", headers=[["Accept-Language", "es"]])
    assert "its max-age makes it fresh for 9s" in told["would"]["why"][1]["text"]
    desk.play.clock.jump(-3600)
    told = await desk.ask(url="/a", headers=[["Accept-Language", "es"]])
    assert told["would"]["act"] == "validate"
    assert "It was stored later than now" in " ".join(each["text"] for each in told["would"]["why"])


@pytest.mark.parametrize(
    ("mode", "act"),
    [(OperatingMode.OFFLINE, "refuse"), (OperatingMode.BYPASS, "pass"), (OperatingMode.NORMAL, "fetch")],
)
async def test_the_mode_counts(aiohttp_client: StartClient, mode: OperatingMode, act: str) -> None:
    desk = Desk(aiohttp_client, {})
    desk.switch.set(mode)
    told = await desk.ask(url="/a")
    assert (told["mode"]["mode"], told["would"]["act"]) == (mode.value, act)


async def test_what_a_route_says_of_lifetimes_has_its_key(aiohttp_client: StartClient) -> None:
    desk = Desk(aiohttp_client, {"routes.r.ttl": "tambo.toml"}, a_route("r", ttl=5.0), a_route())
    assert "routes.r.ttl" in refs((await desk.ask(url="/a"))["would"]["why"])


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        (b"", "the body must be a JSON object"),
        (b"[]", "the body must be a JSON object"),
        (b"[" * 100_000, "the body must be a JSON object"),
        ({"ulr": "/a"}, "unknown name 'ulr'; did you mean 'url'?"),
        ({"what": "/a"}, "unknown name 'what'; the names are method, url, headers"),
        ({}, "'url' must be a text"),
        ({"url": 7}, "'url' must be a text"),
        ({"url": "a"}, "neither an absolute URL nor a path"),
        ({"url": "/a b"}, "percent-encoded"),
        ({"url": "/a", "method": "GE T"}, "'method' must be an HTTP method"),
        ({"url": "/a", "method": None}, "'method' must be an HTTP method"),
        ({"url": "/a", "headers": "x"}, "'headers' must be an object"),
        ({"url": "/a", "headers": {"A": 1}}, "'headers' must be an object"),
        ({"url": "/a", "headers": [["A"]]}, "'headers' must be an object"),
        ({"url": "/a", "headers": {"A B": "x"}}, "'A B' is not the name of a header field"),
        ({"url": "/a", "headers": {"A": "x\r\ny"}}, "the value of 'A' has characters"),
        ({"url": "/a", "headers": {"A": "\u20ac"}}, "the value of 'A' has characters"),
        ({"url": "/a", "headers": [["A", "b"]] * 101}, "more than 100 headers"),
    ],
)
def test_bad_questions_are_told_why(body: bytes | dict[str, object], problem: str) -> None:
    with pytest.raises(ClientError) as caught:
        read_question(body if isinstance(body, bytes) else json.dumps(body).encode())
    assert caught.value.status == 400
    assert problem in caught.value.problem


def test_content_is_known_by_its_framing() -> None:
    assert read_question(b'{"url": "/a", "headers": {"Content-Length": "3"}}').has_content
    assert not read_question(b'{"url": "/a", "headers": {"Content-Length": "0"}}').has_content
