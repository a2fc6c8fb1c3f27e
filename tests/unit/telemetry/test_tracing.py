"""Spans around the ports: whose child each is, what it says, and that errors pass through."""

from collections.abc import Iterator

import pytest
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode

from proxy.errors import Failure, StoreUnavailable, UpstreamError
from proxy.exchange.ports import Answer, OnInterim, RequestBody, UpstreamRequest
from proxy.exchange.purges import Purge, PurgeKind, PurgeMode
from proxy.policy import dispositions
from proxy.policy.disposition import ForwardReason
from proxy.policy.messages import Fields, RequestHead, ResponseHead
from proxy.telemetry.tracing import Tracing, TracingSettings
from tests.support.builders import a_key, a_request, a_stored
from tests.support.clock import FakeClock
from tests.support.origin import Reply, ScriptedUpstream
from tests.support.scenario import DictStore

TRACE = "0af7651916cd43dd8448eb211c80319c"
PARENT = f"00-{TRACE}-b7ad6b7169203331-01"


class Traced:
    def __init__(self, sample: float = 1.0) -> None:
        self.exporter = InMemorySpanExporter()
        self.clock = FakeClock()
        settings = TracingSettings("http://127.0.0.1:9", sample, "1.2.3")
        self.tracing = Tracing(settings, self.clock, SimpleSpanProcessor(self.exporter))

    def spans(self) -> dict[str, ReadableSpan]:
        return {span.name: span for span in self.exporter.get_finished_spans()}


@pytest.fixture
def traced() -> Iterator[Traced]:
    made = Traced()
    yield made
    made.tracing.close()


def an_answer(status: int = 200) -> Answer:
    disposition = (
        dispositions.unanswered(ForwardReason.URI_MISS, Failure.TIMEOUT) if status >= 500 else dispositions.hit(5)
    )
    return Answer(ResponseHead(status, Fields()), b"", disposition, "ruc", "sunat:ruc:1")


def asked(target: str = "/a") -> UpstreamRequest:
    return UpstreamRequest("GET", target, None, Fields([("Accept", "*/*"), ("traceparent", PARENT)]))


async def test_a_span_says_the_requests_id(traced: Traced) -> None:
    async def answer(request: RequestHead, body: RequestBody | None, on_interim: OnInterim | None) -> Answer:
        return an_answer()

    await traced.tracing.answering(answer)(a_request(lines={"X-Request-Id": "mine"}), None, None)
    assert (traced.spans()["ruc"].attributes or {})["tambo.request_id"] == "mine"


async def test_an_answer_is_a_span_below_the_clients_with_its_fetch_below(traced: Traced) -> None:
    origin, store = ScriptedUpstream(Reply()), DictStore()
    upstream, looked = traced.tracing.upstream(origin), traced.tracing.store(store)

    async def answer(request: RequestHead, body: RequestBody | None, on_interim: OnInterim | None) -> Answer:
        await looked.lookup(a_key())
        await upstream.send(asked("/a?secret=1"))
        await looked.put(a_key(), a_stored(), 60)
        traced.tracing.waited(2.5)
        return an_answer()

    await traced.tracing.answering(answer)(a_request(lines={"traceparent": PARENT}), None, None)
    spans = traced.spans()
    top = spans["ruc"]
    assert set(spans) == {"ruc", "look up", "fetch", "store", "queue"}
    assert f"{top.context.trace_id:032x}" == TRACE
    assert top.parent is not None
    assert f"{top.parent.span_id:016x}" == "b7ad6b7169203331"
    assert top.kind is SpanKind.SERVER
    assert top.attributes is not None
    assert (top.attributes["tambo.result"], top.attributes["http.response.status_code"]) == ("hit", 200)
    for name in ("look up", "fetch", "store", "queue"):
        assert spans[name].parent == top.context, name
    queue = spans["queue"]
    assert queue.end_time is not None
    assert queue.start_time is not None
    assert (queue.end_time - queue.start_time) / 1e9 == pytest.approx(2.5)
    fetch = spans["fetch"]
    assert fetch.attributes is not None
    assert fetch.attributes["url.path"] == "/a", "queries may hold secrets"
    (sent,) = origin.requests
    assert sent.fields.all("traceparent") == (f"00-{TRACE}-{fetch.context.span_id:016x}-01",)
    assert sent.fields.all("accept") == ("*/*",)


async def test_what_fails_is_an_error_and_passes_through(traced: Traced) -> None:
    upstream = traced.tracing.upstream(ScriptedUpstream(Reply(failure=UpstreamError(Failure.TIMEOUT, "late"))))
    store = DictStore()
    store.is_down = True
    with pytest.raises(UpstreamError):
        await upstream.send(asked())
    with pytest.raises(StoreUnavailable):
        await traced.tracing.store(store).lookup(a_key())
    assert {span.status.status_code for span in traced.spans().values()} == {StatusCode.ERROR}


async def test_an_answer_of_our_own_trouble_is_an_error(traced: Traced) -> None:
    async def answer(request: RequestHead, body: RequestBody | None, on_interim: OnInterim | None) -> Answer:
        return an_answer(504)

    await traced.tracing.answering(answer)(a_request(), None, None)
    assert traced.spans()["ruc"].status.status_code is StatusCode.ERROR


async def test_the_sample_spares_what_brings_no_trace() -> None:
    traced = Traced(sample=0.0)

    async def answer(request: RequestHead, body: RequestBody | None, on_interim: OnInterim | None) -> Answer:
        return an_answer()

    await traced.tracing.answering(answer)(a_request(), None, None)
    assert traced.spans() == {}
    await traced.tracing.answering(answer)(a_request(lines={"traceparent": PARENT}), None, None)
    assert set(traced.spans()) == {"ruc"}
    traced.tracing.close()


async def test_a_traced_store_is_the_store(traced: Traced) -> None:
    inner = DictStore()
    store = traced.tracing.store(inner)
    assert await store.put(a_key(), a_stored(), 60)
    assert (await store.look_again(a_key())).candidates == (await inner.lookup(a_key())).candidates
    await store.purge(Purge(PurgeKind.ALL, "", PurgeMode.HARD))
    assert store.position == inner.position == 1
    assert store.purged_since(0, a_key()) is PurgeMode.HARD


async def test_nonsense_for_a_trace_begins_a_new_one(traced: Traced) -> None:
    async def answer(request: RequestHead, body: RequestBody | None, on_interim: OnInterim | None) -> Answer:
        return an_answer()

    await traced.tracing.answering(answer)(a_request(lines={"traceparent": "00-zz-\xff"}), None, None)
    assert traced.spans()["ruc"].parent is None
