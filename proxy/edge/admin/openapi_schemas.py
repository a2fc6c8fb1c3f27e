"""The JSON of the admin API, in schemas: what it reads and what it answers. Data alone."""

from typing import Any, Final

from proxy.exchange.warm_list import MOST_PARALLEL, MOST_URLS

_TEXT: Final = {"type": "string"}
_TOKEN: Final = "^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,100}$"  # noqa: S105 - not a secret: the grammar of methods and names
_NUMBER: Final = {"type": "number"}
_COUNT: Final = {"type": "number", "minimum": 0}
_BOOL: Final = {"type": "boolean"}
_MAYBE_TEXT: Final = {"type": ["string", "null"]}
_MAYBE_NUMBER: Final = {"type": ["number", "null"]}
_COUNTS: Final = {"type": "object", "additionalProperties": _COUNT}
_DURATION: Final = {"type": "string", "pattern": "^[1-9][0-9]{0,4}(s|m|h|d)$"}
_URL: Final = {"type": "string", "pattern": "^(https?://[a-z0-9.-]+(:[0-9]{1,5})?)?/[!-~]*$"}
_PATTERN: Final = {"type": "string", "pattern": "^[/*][!-)+-~]*$", "maxLength": 500}


def _list(of: Any) -> dict[str, Any]:
    return {"type": "array", "items": of}


def _ref(name: str) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{name}"}


def _object(optional: tuple[str, ...] = (), **properties: Any) -> dict[str, Any]:
    """All properties are there but the optional ones, and no others."""
    required = [name for name in properties if name not in optional]
    return {"type": "object", "properties": properties, "required": required, "additionalProperties": False}


def _one_aim(**aims: Any) -> dict[str, Any]:
    mode = {"type": "string", "enum": ["soft", "hard", "refresh"]}
    return {
        "oneOf": [
            _object(("mode", "dry_run"), **{name: schema}, mode=mode, dry_run=_BOOL) for name, schema in aims.items()
        ]
    }


_WINDOWS: Final = _object(
    ttl=_MAYBE_TEXT, stale_while_revalidate=_MAYBE_TEXT, stale_if_error=_MAYBE_TEXT, archive=_MAYBE_TEXT
)
_ENTRY: Final[dict[str, Any]] = {
    "id": _TEXT,
    "target": _TEXT,
    "key": _TEXT,
    "route": _TEXT,
    "status": {"type": "integer"},
    "state": {"enum": ["fresh", "stale_while_revalidate", "stale_if_error", "archive", "stale"]},
    "ended": _BOOL,
    "length": _COUNT,
    "age": _NUMBER,
    "stored_at": _TEXT,
    "windows": _WINDOWS,
    "tags": _list(_TEXT),
    "vary": {"type": "object", "additionalProperties": _MAYBE_TEXT},
    "cost": _COUNT,
}
_BODY: Final = {"oneOf": [_object(text=_TEXT), _object(base64=_TEXT), _object(omitted=_TEXT)]}
_SAYS: Final = _list(_object(text=_TEXT, refs=_list(_TEXT)))
_REQUESTS: Final = _object(total=_COUNT, from_store=_COUNT, hit_rate=_MAYBE_NUMBER, by_result=_COUNTS)
_LATENCY: Final = _object(
    count=_COUNT,
    sum=_COUNT,
    mean=_MAYBE_NUMBER,
    p50=_MAYBE_NUMBER,
    p95=_MAYBE_NUMBER,
    counts=_list(_COUNT),
    bounds=_list(_COUNT),
)
_TIER: Final = _object(
    up=_BOOL, bytes=_MAYBE_NUMBER, entries=_MAYBE_NUMBER, evictions=_COUNT, hits=_COUNT, misses=_COUNT
)
_UPSTREAM: Final = _object(
    inflight=_COUNT,
    queue_depth=_COUNT,
    shed=_COUNTS,
    breaker={"enum": ["closed", "half-open", "open", None]},
    held=_COUNTS,
    requests=_COUNT,
    failed=_COUNT,
    by_outcome=_COUNTS,
    latency=_LATENCY,
    queue_wait=_LATENCY,
)
_KEY: Final = _object(
    key=_TEXT,
    route=_TEXT,
    requests=_COUNT,
    fetches=_COUNT,
    mean=_MAYBE_NUMBER,
    worst=_MAYBE_NUMBER,
    failures=_COUNT,
    failure=_MAYBE_TEXT,
)
_ACTS: Final = ["reuse", "reuse-and-refresh", "stand-in", "join", "validate", "fetch", "pass", "refuse", "depends"]
_HEADERS: Final = {
    "type": "object",
    "additionalProperties": {"type": "string", "pattern": "^[\t\x20-\x7e\x80-\xff]*$"},
    "maxProperties": 100,
    "propertyNames": {"pattern": _TOKEN},
}

SCHEMAS: Final[dict[str, Any]] = {
    "Problem": {"type": "object", "required": ["status", "detail"], "properties": {"status": _NUMBER, "detail": _TEXT}},
    "Invalid": {
        "type": "object",
        "required": ["status", "detail", "errors"],
        "properties": {"errors": _list(_object(key=_TEXT, problem=_TEXT, source=_MAYBE_TEXT))},
    },
    "Health": _object(
        status={"enum": ["healthy", "degraded"]}, redis={"enum": ["connected", "disconnected", "embedded"]}
    ),
    "Mode": _object(mode={"enum": ["normal", "offline", "bypass"]}, seconds_left=_MAYBE_NUMBER),
    "ModeWish": {
        "oneOf": [
            _object(("for",), mode={"type": "string", "enum": ["normal"]}, **{"for": {"type": "null"}}),
            _object(
                ("for",),
                mode={"type": "string", "enum": ["offline", "bypass"]},
                **{"for": {"oneOf": [_DURATION, {"type": "null"}]}},
            ),
        ]
    },
    "Reloaded": _object(generation=_COUNT, file=_MAYBE_TEXT, needs_restart=_list(_TEXT), warnings=_list(_TEXT)),
    "Stats": _object(
        workers=_COUNT,
        version=_TEXT,
        generation=_COUNT,
        uptime=_COUNT,
        requests=_REQUESTS,
        routes={"type": "object", "additionalProperties": _REQUESTS},
        upstream=_UPSTREAM,
        saved_seconds=_object(total=_COUNT, by=_COUNTS),
        not_stored=_COUNTS,
        tiers={"type": "object", "additionalProperties": _TIER},
        mode=_ref("Mode"),
        health=_ref("Health"),
    ),
    "Top": _object(order={"enum": ["hits", "slow", "failing"]}, seconds=_COUNT, keys=_list(_KEY)),
    "Question": _object(
        ("method", "headers"),
        method={"type": "string", "pattern": _TOKEN},
        url=_URL,
        headers=_HEADERS,
    ),
    "Explanation": _object(
        method=_TEXT,
        target=_TEXT,
        mode=_ref("Mode"),
        route=_object(name=_TEXT, captures={"type": "object", "additionalProperties": _TEXT}, why=_SAYS),
        key={"oneOf": [_object(text=_TEXT, target=_TEXT, made=_SAYS), {"type": "null"}]},
        stored=_list(_object(**_ENTRY, size=_COUNT, selected=_BOOL)),
        would=_object(
            act={"enum": _ACTS}, x_cache=_list(_TEXT), cache_status=_list(_TEXT), result=_list(_TEXT), why=_SAYS
        ),
    ),
    "PurgeWish": _one_aim(
        url=_URL,
        prefix=_URL,
        pattern=_PATTERN,
        tag={"type": "string", "minLength": 1},
        route={"type": "string", "enum": ["default"]},
        all={"type": "boolean", "enum": [True]},
    ),
    "Purged": _object(
        ("dry_run", "at_least", "upstream_seconds", "sample", "unconfirmed"),
        kind=_TEXT,
        mode={"enum": ["soft", "hard", "refresh"]},
        count=_MAYBE_NUMBER,
        dry_run=_BOOL,
        at_least=_BOOL,
        upstream_seconds=_COUNT,
        sample=_list(_object(id=_TEXT, target=_TEXT, cost=_COUNT)),
        unconfirmed=_list(_TEXT),
    ),
    "Purges": _object(
        purges=_list(_object(at=_TEXT, kind=_TEXT, argument=_TEXT, mode=_TEXT, count=_MAYBE_NUMBER, by=_TEXT))
    ),
    "Entries": _object(entries=_list(_object(**_ENTRY, size=_COUNT, hits=_MAYBE_NUMBER)), cursor=_MAYBE_TEXT),
    "WholeEntry": _object(
        **_ENTRY,
        reason=_TEXT,
        fields=_list(_list(_TEXT)),
        etag=_MAYBE_TEXT,
        etag_is_made=_BOOL,
        negative=_BOOL,
        always_validate=_BOOL,
        never_stale=_BOOL,
        hits=_MAYBE_NUMBER,
        body=_BODY,
    ),
    "Removed": _object(
        ("kind", "mode", "unconfirmed"), id=_TEXT, kind=_TEXT, mode=_TEXT, count=_MAYBE_NUMBER, unconfirmed=_list(_TEXT)
    ),
    "WarmWish": _object(
        ("force", "parallel"),
        urls={"type": "array", "items": _URL, "minItems": 1, "maxItems": MOST_URLS},
        force=_BOOL,
        parallel={"type": ["integer", "null"], "minimum": 1, "maximum": MOST_PARALLEL},
    ),
    "Job": _object(
        id=_TEXT,
        kind=_TEXT,
        state=_TEXT,
        waiting_for=_MAYBE_TEXT,
        total=_COUNT,
        done=_COUNT,
        fetched=_COUNT,
        fresh=_COUNT,
        failed=_COUNT,
        seconds_each=_COUNT,
        eta_seconds=_MAYBE_NUMBER,
        parallel=_MAYBE_NUMBER,
        force=_BOOL,
        created=_TEXT,
        finished=_MAYBE_TEXT,
        by=_TEXT,
        failures={"oneOf": [_list(_object(url=_TEXT, why=_TEXT)), {"type": "null"}]},
        failures_left_out=_NUMBER,
    ),
    "Jobs": _object(jobs=_list(_ref("Job"))),
}
