"""RFC 9110 §7.6 and §6.6, RFC 9211, RFC 9213: fields on their way through, and those that speak of or to the cache."""

from tests.conformance.scenario import Row, Section, changed, check304, either, hit, miss, put, wire

ROWS: list[Row] = []
HOUR = "Cache-Control: max-age=3600"
TAG = 'ETag: "a"'

hop = Section("9110-7.6.1", ROWS)
hop.must("what Connection names in a response", put("Connection: X-Hop", "X-Hop: 1", lacks=("X-Hop",)))
hop.must("names without regard to case", put("Connection: x-hOp", "X-Hop: 1", lacks=("X-Hop",)))
hop.must(
    "several names", put("Connection: X-A, X-B", "X-A: 1", "X-B: 2", "X-C: 3", lacks=("X-A", "X-B"), has=("X-C: 3",))
)
hop.must("several lines", put("Connection: X-A", "Connection: X-B", "X-A: 1", "X-B: 2", lacks=("X-A", "X-B")))
hop.must("what Connection names in a request", put(ask=("Connection: X-Hop", "X-Hop: 1"), unsent=("X-Hop",)))
for line in (
    "Keep-Alive: timeout=9",
    "Proxy-Connection: keep-alive",
    "TE: trailers",
    "Proxy-Authorization: Basic YTpi",
):
    name = line.partition(":")[0]
    hop.must(f"{name} of a request", put(ask=(line,), unsent=(name,)))
hop.must("Keep-Alive of a response", put("Keep-Alive: timeout=9", lacks=("Keep-Alive",)))
hop.must(
    "Upgrade to HTTP/2 is not passed on",
    put(
        ask=("Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA"),
        unsent=("Upgrade", "HTTP2-Settings"),
    ),
)
hop.must(
    "Connection: close of the origin is its own affair", put(HOUR, "Connection: close", lacks=("Connection",)), hit()
)
hop.must(
    "Content-Length named by Connection still frames", put(HOUR, "Connection: content-length", says=b"12345"), hit()
)

through = Section("9110-5.1", ROWS)
through.must("unknown fields of a request", put(ask=("X-Unknown: a b",), sent=("X-Unknown: a b",)))
through.must("unknown fields of a response", put("X-Unknown: a b", has=("X-Unknown: a b",)))
for line in (
    "Accept: text/*;q=0.5",
    "Accept-Language: qu, es",
    "User-Agent: a/1",
    "Referer: http://a/",
    "Priority: u=1",
    "DNT: 1",
):
    name = line.partition(":")[0]
    through.must(f"{name} of a request", put(ask=(line,), sent=(line,)))
through.must("bytes beyond ASCII in a request", put(ask=("X-Bytes: caf\xe9",), sent=("X-Bytes: caf\xe9",)))
through.must("blanks inside a value", put("X-A: a  \t b", has=("X-A: a  \t b",)))
through.must("blanks around a value", put("X-A:  \t a \t", has=("X-A: a",)))
through.must("a hundred fields", put(HOUR, *(f"X-{n}: {n}" for n in range(90))), hit(has=("X-0: 0", "X-89: 89")))
through.must("a long value", put(HOUR, "X-Long: " + "a" * 6000), hit(has=("X-Long: " + "a" * 6000,)))
Section("9110-5.2", ROWS).must(
    "lines of a request keep their order", put(ask=("X-A: 1", "X-A: 2"), sent=("X-A: 1, 2",))
)
Section("9110-7.2", ROWS).must("Host is the origin's", put(sent=("Host: ~^127\\.0\\.0\\.1:\\d+$",)))
Section("9110-7.7", ROWS).must(
    "content is not transformed",
    put(HOUR, "Content-Encoding: gzip", "Cache-Control: no-transform", says=b"not gzip"),
    hit(has=("Content-Encoding: gzip",)),
)
Section("9110-8.4", ROWS).must(
    "a coding is kept as it came", put(HOUR, "Content-Encoding: x-foo", says=b"\x00\xff"), hit()
)

via = Section("9110-7.6.3", ROWS)
via.must("in a request", put(sent=("Via: ~1\\.1 tambo$",)))
via.must("behind those that are there, request", put(ask=("Via: 1.0 a",), sent=("Via: 1.0 a, 1.1 tambo",)))
via.must("behind those that are there, response", put("Via: 1.0 a", has=("Via: 1.0 a, 1.1 tambo",)))
via.must("in a response", put(HOUR, has=("Via: ~1\\.1 tambo$",)), hit(has=("Via: ~^1\\.1 tambo$",)))
via.must("on an unsafe method", put(method="POST", content=b"x", sent=("Via: ~tambo$",), has=("Via: ~tambo$",)))

forwards = Section("9110-7.6.2", ROWS)
for name in ("TRACE", "OPTIONS"):
    forwards.must(
        f"{name} with Max-Forwards: 0 is answered here",
        hit(method=name, ask=("Max-Forwards: 0",), status=(200, 204, 405, 501)),
    )
    forwards.must(
        f"{name} with Max-Forwards: 5 goes on with 4",
        put(method=name, ask=("Max-Forwards: 5",), sent=("Max-Forwards: 4",)),
    )
forwards.may("on a GET it means nothing", put(HOUR), hit(ask=("Max-Forwards: 0",)))

date = Section("9110-6.6.1", ROWS)
date.must(
    "a response without Date gets one",
    put(HOUR, reply=wire("HTTP/1.1 200 OK\r\nCache-Control: max-age=60\r\nContent-Length: 1\r\n\r\na"), has=("Date",)),
    hit(has=("Date",), body=b"a"),
)
date.must("a Date is not changed", put("Date: {now-99}", has=("Date: {now-99}",)))

status = Section("9211-2", ROWS)
status.must("a miss that is stored", put(HOUR, has=("Cache-Status: tambo; fwd=uri-miss; fwd-status=200; stored",)))
status.must(
    "a miss that is not",
    put("Cache-Control: no-store", has=("Cache-Status: ~^tambo; fwd=[a-z-]+", "Cache-Status: ~^((?!stored).)*$")),
)
status.must("a hit and its ttl", put(HOUR), hit(has=("Cache-Status: ~^tambo; hit; ttl=3(600|59\\d)$",)))
status.must(
    "another variant",
    put(HOUR, "Vary: Foo"),
    miss(HOUR, ask=("Foo: 1",), has=("Cache-Status: ~^tambo; fwd=vary-miss; fwd-status=200; stored$",)),
)
status.must(
    "stale, validated",
    put("Cache-Control: max-age=60", "Age: 99", TAG),
    check304(HOUR, has=("Cache-Status: ~^tambo; fwd=stale; fwd-status=304",)),
)
status.must(
    "stale, replaced",
    put("Cache-Control: max-age=60", "Age: 99", TAG),
    changed(HOUR, has=("Cache-Status: ~^tambo; fwd=stale; fwd-status=200; stored",)),
)
status.must("a method", put(method="POST", has=("Cache-Status: ~^tambo; fwd=method",)))
status.must(
    "behind those that are there",
    put(HOUR, "Cache-Status: o; hit", has=("Cache-Status: ~^o; hit, tambo; fwd=uri-miss",)),
    hit(has=("Cache-Status: ~^o; hit, tambo; hit; ttl=\\d+$",)),
)
status.must(
    "a 304 from here is a hit",
    put(HOUR, TAG),
    hit(ask=('If-None-Match: "a"',), status=304, has=("Cache-Status: ~^tambo; hit",)),
)
status.must(
    "only-if-cached",
    hit(ask=("Cache-Control: only-if-cached",), status=504, has=("Cache-Status: ~^tambo",), lacks=("Age",)),
)

targeted = Section("9213-2", ROWS)
CDN = "CDN-Cache-Control: "
FAST = f"{CDN}max-age=3600"
targeted.must("it wins over no-store", put(FAST, "Cache-Control: no-store"), hit())
targeted.must("it wins over max-age=0", put(FAST, "Cache-Control: max-age=0"), hit())
targeted.must("it wins over private", put(FAST, "Cache-Control: private"), hit())
targeted.must("it wins over Expires", put(FAST, "Expires: {now-60}"), hit())
targeted.must("its no-store", put(f"{CDN}no-store", HOUR), miss())
targeted.must("its private", put(f"{CDN}private, max-age=60", HOUR), miss())
targeted.must("its max-age=0", put(f"{CDN}max-age=0", HOUR), miss())
targeted.must("its no-cache", put(f"{CDN}no-cache, max-age=60", HOUR, TAG), check304())
targeted.must("its Age counts", put(FAST, "Age: 7200"), miss())
targeted.must(
    "its must-revalidate",
    put(f"{CDN}max-age=60, must-revalidate", "Age: 99", TAG),
    either(reply=wire(""), status=(502, 504)),
)
targeted.must(
    "Cache-Control's must-revalidate is not heard", put(FAST, "Cache-Control: must-revalidate, max-age=0"), hit()
)
targeted.must("Expires is not heard beside it", put(f"{CDN}foo", "Expires: {now+3600}"), miss())
targeted.must("it without lifetime: max-age is not heard", put(f"{CDN}foo", HOUR), miss())
targeted.must("lines are joined", put(f"{CDN}foo", FAST, "Cache-Control: no-store"), hit())
targeted.must(
    "unknown members are ignored", put(f'{CDN}foo=bar, max-age=3600, baz;q="1"', "Cache-Control: no-store"), hit()
)
targeted.must("parameters are ignored", put(f"{CDN}max-age=3600;foo=bar", "Cache-Control: no-store"), hit())
targeted.must("of two of a name the last", put(f"{CDN}max-age=0, max-age=3600", "Cache-Control: no-store"), hit())
for text in ("max-age=3600, &", "max-age=", "Max-Age=3600", "max-age=3600,", "max-age: 3600", "max-age=3600;;", ""):
    targeted.must(f"«{text}» does not parse: Cache-Control", put(f"{CDN}{text}", HOUR), hit())
    targeted.must(f"«{text}» does not parse: no-store", put(f"{CDN}{text}", "Cache-Control: no-store"), miss())
targeted.must("a negative max-age is stale", put(f"{CDN}max-age=-60", "Cache-Control: no-store"), miss())
targeted.must("a fractional max-age is stale", put(f"{CDN}max-age=60.5", "Cache-Control: no-store"), miss())
targeted.check("a max-age of another type is stale", put(f"{CDN}max-age=?1", "Cache-Control: no-store"), miss())
targeted.check("no-store that is false is none", put(f"{CDN}no-store=?0, max-age=60"), hit())
targeted.must("it is passed on", put(FAST, has=(FAST,)), hit(has=(FAST,)))
targeted.must("Tambo-Cache-Control before it", put("Tambo-Cache-Control: max-age=3600", f"{CDN}no-store"), hit())
targeted.must("Tambo-Cache-Control: no-store", put("Tambo-Cache-Control: no-store", FAST, HOUR), miss())
targeted.check(
    "Tambo-Cache-Control is not passed on", put("Tambo-Cache-Control: max-age=60", lacks=("Tambo-Cache-Control",))
)
targeted.must("others' are not ours", put("Other-CDN-Cache-Control: max-age=60"), miss())
targeted.check("Surrogate-Control is not known", put("Surrogate-Control: max-age=60"), miss())
targeted.may(
    "its stale-while-revalidate", put(f"{CDN}max-age=60, stale-if-error=3600", "Age: 90"), either(code=503, status=200)
)
