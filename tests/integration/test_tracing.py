"""Traces for real: a Tambo process sends its spans to a collector, and the upstream learns whose child it is."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from tests.support.tambo import fetch, running

pytestmark = pytest.mark.integration
TRACE = "0af7651916cd43dd8448eb211c80319c"


class Collector:
    """Keeps what it is sent; and is the upstream too, which remembers the traceparents it saw."""

    def __init__(self) -> None:
        self.spans: list[Span] = []
        self.parents: list[str] = []

    async def collect(self, request: web.Request) -> web.Response:
        sent = ExportTraceServiceRequest.FromString(await request.read())
        self.spans += [span for one in sent.resource_spans for scope in one.scope_spans for span in scope.spans]
        return web.Response()

    async def answer(self, request: web.Request) -> web.Response:
        self.parents.append(request.headers.get("traceparent", ""))
        return web.json_response({"a": 1})

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[str]:
        app = web.Application()
        app.router.add_post("/v1/traces", self.collect)
        app.router.add_get("/{rest:.*}", self.answer)
        runner = web.AppRunner(app)
        await runner.setup()
        try:
            await web.TCPSite(runner, "127.0.0.1", 0).start()
            host, port = runner.addresses[0][:2]
            yield f"http://{host}:{port}"
        finally:
            await runner.cleanup()


async def test_spans_reach_a_collector_and_the_upstream_hangs_below(tmp_path: Path) -> None:
    collector = Collector()
    async with collector.serving() as url:
        async with (
            running(tmp_path, url, TAMBO_TRACING__ENDPOINT=url) as tambo,
            aiohttp.ClientSession() as session,
        ):
            fields = {"traceparent": f"00-{TRACE}-b7ad6b7169203331-01", "X-Request-Id": "mine"}
            await fetch(session, f"{tambo.url}/a", headers=fields)
            await fetch(session, f"{tambo.url}/a", headers=fields)
            tambo.signal()
            await tambo.ended()
            (first, second) = tambo.said("request")
        by_name = {span.name: span for span in collector.spans}
    assert {"default", "look up", "fetch", "store"} <= set(by_name)
    assert {span.trace_id.hex() for span in collector.spans} == {TRACE}
    fetched = by_name["fetch"]
    assert collector.parents == [f"00-{TRACE}-{fetched.span_id.hex()}-01"]
    (top,) = [span for span in collector.spans if span.span_id == fetched.parent_span_id]
    assert top.parent_span_id.hex() == "b7ad6b7169203331"
    assert (first["request_id"], first["trace_id"], first["cache"]) == ("mine", TRACE, "MISS")
    assert second["cache"] == "HIT"


async def test_a_collector_that_is_away_costs_no_request(tmp_path: Path) -> None:
    collector = Collector()
    async with (
        collector.serving() as url,
        running(tmp_path, url, TAMBO_TRACING__ENDPOINT="http://127.0.0.1:9") as tambo,
        aiohttp.ClientSession() as session,
    ):
        for number in range(20):
            status, _, _ = await fetch(session, f"{tambo.url}/{number}")
            assert status == 200
        tambo.signal()
        assert await tambo.ended() == 0
