"""Spans for OpenTelemetry, around the ports that do the work: the answer, look-ups, waits, fetches, storing. The one
module that imports it, and only when tracing is on. Decides nothing, and a collector that is away costs nobody a thing.
"""

from collections.abc import Awaitable, Callable
from typing import Final, TypeAlias

from msgspec import Struct
from msgspec.structs import replace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.sampling import ParentBased, TraceIdRatioBased
from opentelemetry.trace import Span, SpanKind, StatusCode, Tracer
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from proxy.clock import Clock
from proxy.exchange.ports import (
    Answer,
    Lookup,
    OnInterim,
    RequestBody,
    Store,
    Upstream,
    UpstreamAnswer,
    UpstreamRequest,
)
from proxy.exchange.purges import Purge, Purged, PurgeMode
from proxy.policy.cache_key import CacheKey
from proxy.policy.messages import Fields, RequestHead, StoredResponse

_CARRIED: Final = frozenset({"traceparent", "tracestate"})
_CONTEXT: Final = TraceContextTextMapPropagator()
_SERVER_ERROR: Final = 500

Answering: TypeAlias = Callable[[RequestHead, RequestBody | None, OnInterim | None], Awaitable[Answer]]


class TracingSettings(Struct, frozen=True):
    """``endpoint``: the collector's URL for OTLP over HTTP, without ``/v1/traces``. ``sample``: 0-1, the part of the
    requests that bring no ``traceparent``; those that do have been decided on by whoever sent it."""

    endpoint: str
    sample: float
    version: str


class Tracing:
    """The tracer of one process, and the wrappers that use it. ``close`` sends what is left."""

    def __init__(self, settings: TracingSettings, clock: Clock, processor: SpanProcessor | None = None) -> None:
        """``processor`` None: batches of spans go to the endpoint from a thread of their own."""
        self._clock = clock
        resource = Resource.create({"service.name": "tambo", "service.version": settings.version})
        self._provider = TracerProvider(resource=resource, sampler=ParentBased(TraceIdRatioBased(settings.sample)))
        exporter = f"{settings.endpoint.rstrip('/')}/v1/traces"
        self._provider.add_span_processor(processor or BatchSpanProcessor(OTLPSpanExporter(exporter, timeout=5)))
        self._tracer: Tracer = self._provider.get_tracer("tambo", settings.version)

    def close(self) -> None:
        """Send what is left, for a few seconds at most; blocks meanwhile."""
        self._provider.shutdown()

    def answering(self, answer: Answering) -> Answering:
        """The same handler in a span, until the answer's head is ready; the client's child where it brought one."""

        async def traced(request: RequestHead, body: RequestBody | None, on_interim: OnInterim | None) -> Answer:
            carrier = {name: value for name in _CARRIED if (value := request.fields.joined(name)) is not None}
            parent = _CONTEXT.extract(carrier)
            with self._tracer.start_as_current_span(request.method, parent, SpanKind.SERVER) as span:
                span.set_attributes({"http.request.method": request.method, "url.path": request.path})
                if (name := request.fields.joined("x-request-id")) is not None:
                    span.set_attribute("tambo.request_id", name)
                made = await answer(request, body, on_interim)
                _describe(span, made)
                return made

        return traced

    def upstream(self, upstream: Upstream) -> Upstream:
        """The same upstream, each request to it in a span, and told which."""
        return _TracedUpstream(upstream, self._tracer)

    def store(self, store: Store) -> Store:
        """The same store, look-ups and storing in spans."""
        return _TracedStore(store, self._tracer)

    def waited(self, seconds: float) -> None:
        """A span for the time in the queue, which has just ended."""
        now = int(self._clock.now() * 1e9)
        self._tracer.start_span("queue", start_time=now - int(seconds * 1e9)).end(now)


def _describe(span: Span, answer: Answer) -> None:
    span.update_name(answer.route)
    span.set_attributes(
        {
            "http.route": answer.route,
            "http.response.status_code": answer.head.status,
            "tambo.result": answer.disposition.result.value,
            "tambo.cache": answer.disposition.x_cache,
            "tambo.key": answer.key,
        }
    )
    if answer.head.status >= _SERVER_ERROR:
        span.set_status(StatusCode.ERROR)


class _TracedUpstream:
    def __init__(self, upstream: Upstream, tracer: Tracer) -> None:
        self._upstream = upstream
        self._tracer = tracer

    async def send(self, request: UpstreamRequest, on_interim: OnInterim | None = None) -> UpstreamAnswer:
        with self._tracer.start_as_current_span("fetch", kind=SpanKind.CLIENT) as span:
            span.set_attributes({"http.request.method": request.method, "url.path": request.target.partition("?")[0]})
            answer = await self._upstream.send(replace(request, fields=_carrying(request.fields)), on_interim)
            span.set_attribute("http.response.status_code", answer.head.status)
            return answer


def _carrying(fields: Fields) -> Fields:
    """The fields, with this span as the parent of whatever the upstream does."""
    carrier: dict[str, str] = {}
    _CONTEXT.inject(carrier)
    return fields.without(_CARRIED).adding(*carrier.items()) if carrier else fields


class _TracedStore:
    def __init__(self, store: Store, tracer: Tracer) -> None:
        self._store = store
        self._tracer = tracer

    async def lookup(self, key: CacheKey) -> Lookup:
        with self._tracer.start_as_current_span("look up") as span:
            found = await self._store.lookup(key)
            span.set_attribute("tambo.variants", len(found.candidates))
            return found

    async def look_again(self, key: CacheKey) -> Lookup:
        with self._tracer.start_as_current_span("look again") as span:
            found = await self._store.look_again(key)
            span.set_attribute("tambo.variants", len(found.candidates))
            return found

    async def put(self, key: CacheKey, stored: StoredResponse, keep_for: float) -> bool:
        with self._tracer.start_as_current_span("store") as span:
            span.set_attributes({"tambo.bytes": len(stored.body), "tambo.keep_for": keep_for})
            return await self._store.put(key, stored, keep_for)

    async def purge(self, purge: Purge, by: str = "") -> Purged:
        with self._tracer.start_as_current_span("purge"):
            return await self._store.purge(purge, by)

    @property
    def is_vouched(self) -> bool:
        return self._store.is_vouched

    @property
    def position(self) -> int:
        return self._store.position

    def purged_since(self, position: int, key: CacheKey) -> PurgeMode | None:
        return self._store.purged_since(position, key)
