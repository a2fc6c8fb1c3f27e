"""RFC 9111 §4.4 and RFC 9875: what ends what is stored before its time."""

from tests.conformance.scenario import Row, Section, check304, either, fails, hit, miss, put, wire

ROWS: list[Row] = []
HOUR = "Cache-Control: max-age=3600"

unsafe = Section("9111-4.4", ROWS)
for name in ("POST", "PUT", "DELETE", "PATCH", "FOO", "PROPPATCH"):
    unsafe.must(f"{name} ends what is stored", put(HOUR), put(method=name, content=b"x"), miss())
for status in (201, 202, 204, 301, 303, 308):
    unsafe.must(f"a POST answered by {status} ends it", put(HOUR), put(method="POST", code=status), miss())
for status in (400, 403, 404, 409, 500, 503):
    unsafe.must(f"a POST answered by {status} does not", put(HOUR), put(method="POST", code=status), hit())
    unsafe.must(f"a DELETE answered by {status} does not", put(HOUR), put(method="DELETE", code=status), hit())
for name in ("OPTIONS", "HEAD", "GET"):
    unsafe.must(f"{name} ends nothing", put(HOUR, at="?a"), either(method=name, at="?b"), hit(at="?a"))
unsafe.must("OPTIONS of the same target ends nothing", put(HOUR), put(method="OPTIONS"), hit())
unsafe.must("no answer ends nothing", put(HOUR), fails(wire(""), method="POST"), hit())
unsafe.must(
    "all variants end",
    put(HOUR, "Vary: Foo", ask=("Foo: 1",)),
    miss(HOUR, "Vary: Foo", ask=("Foo: 2",)),
    put(method="POST"),
    miss(ask=("Foo: 1",)),
    miss(ask=("Foo: 2",)),
)
unsafe.must("what is stored later is reused", put(HOUR), put(method="POST"), miss(HOUR), hit(of=2))
unsafe.check("another query is another target", put(HOUR, at="?a"), put(method="POST", at="?b"), hit(at="?a"))
unsafe.must(
    "each goes to the origin", put(method="POST", content=b"x", asked=1), put(method="POST", content=b"x", asked=1)
)

named = Section("9111-4.4 named", ROWS)
for name in ("Location", "Content-Location"):
    named.may(f"{name}, a path", put(HOUR, at="/b"), put(f"{name}: {{path}}/b", method="POST", at="/a"), miss(at="/b"))
    named.may(f"{name}, relative", put(HOUR, at="/b"), put(f"{name}: b", method="POST", at="/a"), miss(at="/b"))
    named.may(
        f"{name}, of the same origin",
        put(HOUR, at="/b"),
        put(f"{name}: http://origin.test{{path}}/b", method="POST", at="/a"),
        miss(at="/b"),
    )
    named.must(
        f"{name}, of another origin",
        put(HOUR, at="/b"),
        put(f"{name}: http://other.test{{path}}/b", method="POST", at="/a"),
        hit(at="/b"),
    )
    named.must(
        f"{name}, of another scheme",
        put(HOUR, at="/b"),
        put(f"{name}: https://origin.test{{path}}/b", method="POST", at="/a"),
        hit(at="/b"),
    )
    named.must(
        f"{name} of an error",
        put(HOUR, at="/b"),
        put(f"{name}: {{path}}/b", method="POST", at="/a", code=500),
        hit(at="/b"),
    )
    named.must(f"{name} of a GET", put(HOUR, at="/b"), put(f"{name}: {{path}}/b", at="/a"), hit(at="/b"))
named.must("Location that is none", put(HOUR, at="/b"), put("Location: http://[", method="POST", at="/a"), hit(at="/b"))

groups = Section("9875-2", ROWS)
G1 = 'Cache-Groups: "{path}1"'
END1 = 'Cache-Group-Invalidation: "{path}1"'
groups.may(
    "an unsafe request ends the group it names",
    put(HOUR, G1, at="/a"),
    put(END1, method="POST", at="/b"),
    miss(at="/a"),
)
groups.may(
    "all of the group",
    put(HOUR, G1, at="/a"),
    put(HOUR, 'Cache-Groups: "{path}0", "{path}1"', at="/b"),
    put(END1, method="POST", at="/c"),
    miss(at="/a"),
    miss(at="/b"),
)
groups.may(
    "one of several that it names",
    put(HOUR, G1, at="/a"),
    put('Cache-Group-Invalidation: "x", "{path}1"', method="POST", at="/b"),
    miss(at="/a"),
)
groups.may(
    "on two lines", put(HOUR, 'Cache-Groups: "x"', G1, at="/a"), put(END1, method="POST", at="/b"), miss(at="/a")
)
groups.must(
    "another group stays",
    put(HOUR, 'Cache-Groups: "{path}2"', at="/a"),
    put(END1, method="POST", at="/b"),
    hit(at="/a"),
)
groups.must(
    "case counts",
    put(HOUR, 'Cache-Groups: "{path}A"', at="/a"),
    put('Cache-Group-Invalidation: "{path}a"', method="POST", at="/b"),
    hit(at="/a"),
)
groups.must("on a GET it means nothing", put(HOUR, G1, at="/a"), put(END1, at="/b"), hit(at="/a"))
groups.check(
    "on an error it means the same",
    put(HOUR, G1, at="/a"),
    put(END1, method="POST", at="/b", code=500),
    miss(at="/a"),
)
groups.check(
    "one that ends takes no other of its group along",
    put(HOUR, G1, at="/a"),
    put(HOUR, G1, at="/b"),
    put(method="POST", at="/a"),
    hit(at="/b", of=1),
)
groups.must(
    "a field that is no list means nothing",
    put(HOUR, G1, at="/a"),
    put('Cache-Group-Invalidation: "{path}1', method="POST", at="/b"),
    hit(at="/a"),
)
groups.must(
    "members that are no strings mean nothing",
    put(HOUR, "Cache-Groups: a", at="/a"),
    put("Cache-Group-Invalidation: a", method="POST", at="/b"),
    hit(at="/a"),
)
groups.must(
    "parameters are ignored",
    put(HOUR, 'Cache-Groups: "{path}1";p=1', at="/a"),
    put('Cache-Group-Invalidation: "{path}1";q', method="POST", at="/b"),
    miss(at="/a"),
)
groups.must("the fields pass", put(HOUR, G1, has=(G1,)), hit(has=(G1,)))
groups.check(
    "they are not transitive",
    put(HOUR, G1, at="/a"),
    put(HOUR, 'Cache-Groups: "{path}1", "{path}2"', at="/b"),
    put(END1, method="POST", at="/c"),
    miss(at="/a"),
    miss(at="/b"),
)

safe = Section("10008-2", ROWS)
safe.must("QUERY ends nothing", put(HOUR), put(method="QUERY", content=b"q"), hit())
safe.must("QUERY is not answered by a stored GET", put(HOUR), put(HOUR, method="QUERY", content=b"q"))
safe.must("another content is another key", put(HOUR, method="QUERY", content=b"q"), put(method="QUERY", content=b"r"))
safe.must("a GET is not answered by a stored QUERY", put(HOUR, method="QUERY", content=b"q"), put(HOUR))
safe.may("QUERY with the same content", put(HOUR, method="QUERY", content=b"q"), hit(method="QUERY", content=b"q"))
safe.must(
    "another media type is another key",
    put(HOUR, method="QUERY", content=b"q", ask=("Content-Type: a/b",)),
    put(HOUR, method="QUERY", content=b"q", ask=("Content-Type: a/c",), sent=("Content-Type: a/c",)),
)
safe.must(
    "another target is another key", put(HOUR, method="QUERY", content=b"q"), put(method="QUERY", content=b"q", at="?a")
)
safe.must(
    "the content is sent whole when what is stored is validated",
    put("Cache-Control: no-cache", 'ETag: "e"', method="QUERY", content=b"q"),
    check304(method="QUERY", content=b"q", sent=(":method: QUERY", "Content-Length: 1")),
)
safe.must(
    "who has credentials shares nothing",
    put(HOUR, method="QUERY", content=b"q", ask=("Authorization: Basic eA==",)),
    put(HOUR, method="QUERY", content=b"q"),
)
safe.must(
    "an unsafe request ends what is stored for its target",
    put(HOUR, method="QUERY", content=b"q"),
    put(method="POST"),
    put(method="QUERY", content=b"q"),
)
safe.must(
    "long content passes",
    put(HOUR, method="QUERY", content=b"q" * 70_000, sent=("Content-Length: 70000",)),
    put(HOUR, method="QUERY", content=b"q" * 70_000),
)
safe.may("no content at all", put(HOUR, method="QUERY"), hit(method="QUERY"))

search = Section("No-Vary-Search", ROWS)
search.must(
    "a success without the field ends it",
    put(HOUR, 'No-Vary-Search: params=("u")', at="?u=1"),
    put(HOUR, at="?x=1"),
    put(at="?u=2"),
)
search.must(
    "an unsafe request ends what is stored for an equivalent target",
    put(HOUR, 'No-Vary-Search: params=("u")', at="?u=1"),
    put(method="POST", at="?u=2"),
    put(at="?u=1"),
)
search.must(
    "Vary counts all the same",
    put(HOUR, "Vary: X", 'No-Vary-Search: params=("u")', at="?u=1", ask=("X: 1",)),
    put(at="?u=2", ask=("X: 2",)),
)
search.must("other parameters count", put(HOUR, 'No-Vary-Search: params=("u")', at="?a=1&u=1"), miss(at="?a=2&u=1"))
search.must("a field that does not parse", put(HOUR, "No-Vary-Search: params=(", at="?u=1"), miss(at="?u=2"))
search.may("parameters that do not count", put(HOUR, 'No-Vary-Search: params=("u")', at="?a=1&u=1"), hit(at="?a=1&u=2"))
search.may("none counts", put(HOUR, "No-Vary-Search: params", at="?a=1&u=1"), hit(at="?b=2"))
search.may("all but", put(HOUR, 'No-Vary-Search: params, except=("a")', at="?a=1&u=1"), hit(at="?a=1&u=2"))
search.may("order", put(HOUR, "No-Vary-Search: key-order", at="?a=1&b=2"), hit(at="?b=2&a=1"))
