"""All that may be stored for a URL is purged with it, by an operator and by an unsafe request."""

import re
from pathlib import Path

import pytest

from proxy.exchange.url_keys import keys_of
from proxy.policy.route import KeyRule, QueryRule
from tests.support.origin import Reply, ScriptedUpstream
from tests.support.scenario import Scenario, a_route
from tests.support.wired import saying, wired

QUERY = frozenset({"QUERY"})
ROUTE = """\
[listen]
purge_clients = ["127.0.0.0/8"]

[[routes]]
name = "search"
match = { methods = ["QUERY"], path = "/search" }
mode = "override"
key = { template = "srch" }
ttl = "1h"
"""


@pytest.mark.parametrize(
    ("rules", "texts"),
    [
        ({}, ["/a?b"]),
        ({"query": KeyRule(template="q")}, ["/a?b", "q?b"]),
        ({"query": KeyRule()}, ["/a?b"]),
        ({"get": KeyRule(query=QueryRule(ignore=("b",))), "query": KeyRule()}, ["/a"]),
        ({"get": KeyRule(template="g"), "query": KeyRule(template="q")}, ["g?b", "q?b"]),
        ({"get": KeyRule(host=True), "query": KeyRule(template="q")}, ["h/a?b", "q?b"]),
    ],
)
def test_a_url_has_a_key_for_each_route(rules: dict[str, KeyRule], texts: list[str]) -> None:
    methods = {"get": frozenset({"GET"}), "query": QUERY}
    routes = [a_route(name, "/a", methods=methods[name], key=rule) for name, rule in rules.items()]
    keys = keys_of((*routes, a_route("last", "/**")), "/a?b", "h")
    assert [key.text for key in keys] == texts


@pytest.mark.parametrize("unsafe", ["PURGE", "PUT"])
async def test_what_a_query_stored_by_another_key_goes_too(tmp_path: Path, unsafe: str) -> None:
    (tmp_path / "tambo.toml").write_text(ROUTE)
    body = b"q"
    ask = b"QUERY /search HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 1\r\n\r\n" + body
    async with wired(tmp_path, saying()) as wire:
        words = [_word(await wire.ask(ask)) for _ in range(2)]
        answer = await wire.get("/search", method=unsafe, fields="X-Purge: hard\r\n")
        words.append(_word(await wire.ask(ask)))
    assert words == ["MISS", "HIT", "MISS"]
    assert b'"count": 1' in answer or unsafe == "PUT"


def _word(answer: bytes) -> str:
    (word,) = re.findall(rb"(?mi)^x-cache: (\w+)", answer)
    assert isinstance(word, bytes)
    return word.decode()


async def test_an_unsafe_request_ends_what_was_stored_by_content_before_this_process_began() -> None:
    get = Reply(lines={"Content-Type": "application/json", "Cache-Control": "max-age=60"})
    route = a_route("both", "/**", methods=frozenset({"GET", "HEAD", "QUERY"}))
    play = Scenario(ScriptedUpstream(get, Reply(204), get), (route,))
    assert [(await play.get(method="QUERY")).field("x-cache") for _ in range(2)] == ["MISS", "HIT"]
    play.exchange.refresher.keys._rules.clear()  # what a process that has just begun knows
    assert (await play.get(method="PUT")).status == 204
    assert (await play.get(method="QUERY")).field("x-cache") == "MISS"
