"""RFC 9111 §2 and §4.1: which stored responses are for which requests."""

from tests.conformance.scenario import Row, Section, hit, miss, put

ROWS: list[Row] = []
HOUR = "Cache-Control: max-age=3600"

key = Section("9111-2", ROWS)
key.must("another query", put(HOUR, at="?a=1"), miss(HOUR, at="?a=2"), hit(at="?a=1", of=0), hit(at="?a=2", of=1))
key.must("a query and none", put(HOUR), miss(HOUR, at="?a=1"))
key.must("an empty query and none", put(HOUR), miss(HOUR, at="?"))
key.must("parameters in another order", put(HOUR, at="?a=1&b=2"), miss(HOUR, at="?b=2&a=1"))
key.must("another path below", put(HOUR, at="/a"), miss(HOUR, at="/b"))
key.must("a slash at the end", put(HOUR, at="/a"), miss(HOUR, at="/a/"))
key.must("case of the path", put(HOUR, at="/a"), miss(HOUR, at="/A"))
key.must("an encoded slash is another path", put(HOUR, at="/a/b"), miss(HOUR, at="/a%2Fb"))
key.check("an encoded unreserved character is another key", put(HOUR, at="/~a"), miss(HOUR, at="/%7Ea"))
key.check("two slashes are another key", put(HOUR, at="/a/b"), miss(HOUR, at="/a//b"))
key.must(
    "the target is passed on as it came", put(at="/a//%7e%2F?x=%20&&y", sent=(":target: {path}/a//%7e%2F?x=%20&&y",))
)
key.must("a long target", put(HOUR, at="?q=" + "x" * 4000), hit(at="?q=" + "x" * 4000))
key.may(
    "the absolute form is the same",
    put(HOUR),
    hit(raw="GET http://origin.test{path} HTTP/1.1\r\nHost: origin.test\r\n\r\n"),
)
key.check("one origin: any Host is the same", put(HOUR), hit(raw="GET {path} HTTP/1.1\r\nHost: other.test\r\n\r\n"))
key.may("HTTP/1.0 clients share it", put(HOUR), hit(raw="GET {path} HTTP/1.0\r\nHost: origin.test\r\n\r\n"))

vary = Section("9111-4.1", ROWS)
A, B = ("Foo: 1",), ("Foo: 2",)
vary.must("the same value", put(HOUR, "Vary: Foo", ask=A), hit(ask=A))
vary.must("another value", put(HOUR, "Vary: Foo", ask=A), miss(ask=B))
vary.must("there and absent", put(HOUR, "Vary: Foo", ask=A), miss())
vary.must("absent and there", put(HOUR, "Vary: Foo"), miss(ask=A))
vary.must("absent twice", put(HOUR, "Vary: Foo"), hit())
vary.must("empty is not absent", put(HOUR, "Vary: Foo"), miss(ask=("Foo: ",)))
vary.must(
    "several variants side by side",
    put(HOUR, "Vary: Foo", ask=A),
    miss(HOUR, "Vary: Foo", ask=B),
    miss(HOUR, "Vary: Foo"),
    hit(ask=A, of=0),
    hit(ask=B, of=1),
    hit(of=2),
)
vary.must(
    "fields that Vary does not name are ignored",
    put(HOUR, "Vary: Foo", ask=("Foo: 1", "Bar: 1")),
    hit(ask=("Foo: 1", "Bar: 2")),
)
vary.must("names without regard to case", put(HOUR, "Vary: FOO", ask=("foo: 1",)), hit(ask=("Foo: 1",)))
vary.must("names without regard to case, another value", put(HOUR, "vary: fOO", ask=A), miss(ask=B))
vary.must(
    "two fields, both the same", put(HOUR, "Vary: Foo, Bar", ask=("Foo: 1", "Bar: 2")), hit(ask=("Bar: 2", "Foo: 1"))
)
vary.must(
    "two fields, the second another",
    put(HOUR, "Vary: Foo, Bar", ask=("Foo: 1", "Bar: 2")),
    miss(ask=("Foo: 1", "Bar: 3")),
)
vary.must(
    "two fields, the first another",
    put(HOUR, "Vary: Foo, Bar", ask=("Foo: 1", "Bar: 2")),
    miss(ask=("Foo: 2", "Bar: 2")),
)
vary.must(
    "two lines of Vary", put(HOUR, "Vary: Foo", "Vary: Bar", ask=("Foo: 1", "Bar: 2")), miss(ask=("Foo: 1", "Bar: 3"))
)
vary.must("three fields, the last absent", put(HOUR, "Vary: Foo, Bar, Baz", ask=A), miss(ask=("Foo: 1", "Baz: 1")))
vary.must("*", put(HOUR, "Vary: *"), miss())
vary.must("* behind another", put(HOUR, "Vary: Foo, *", ask=A), miss(ask=A))
vary.must("* before another", put(HOUR, "Vary: *, Foo", ask=A), miss(ask=A))
vary.must("* on a line of its own", put(HOUR, "Vary: Foo", "Vary: *"), miss())
vary.must("* with blanks", put(HOUR, "Vary: \t * "), miss())
vary.check("what is no list of names", put(HOUR, "Vary: Foo Bar", ask=A), miss(ask=A))
vary.must("* is passed on", put(HOUR, "Vary: *", has=("Vary: *",)))
vary.must("an empty Vary selects by nothing", put(HOUR, "Vary: ", ask=A), hit(ask=B))
vary.must("empty members are skipped", put(HOUR, "Vary: , Foo ,", ask=A), hit(ask=A), miss(ask=B))
vary.must("case of an unknown field's value", put(HOUR, "Vary: Foo", ask=("Foo: a",)), miss(ask=("Foo: A",)))
vary.may("lines are joined first", put(HOUR, "Vary: Foo", ask=("Foo: 1", "Foo: 2")), hit(ask=("Foo: 1, 2",)))
vary.may("blanks around commas", put(HOUR, "Vary: Foo", ask=("Foo: 1,2",)), hit(ask=("Foo: 1 ,  2",)))
vary.may("blanks around the value", put(HOUR, "Vary: Foo", ask=("Foo: 1",)), hit(ask=("Foo:   1  ",)))
vary.check("order in an unknown list", put(HOUR, "Vary: Foo", ask=("Foo: 1, 2",)), miss(ask=("Foo: 2, 1",)))
vary.may(
    "Accept-Encoding: order",
    put(HOUR, "Vary: Accept-Encoding", ask=("Accept-Encoding: gzip, br",)),
    hit(ask=("Accept-Encoding: br,gzip",)),
)
vary.may(
    "Accept-Encoding: case",
    put(HOUR, "Vary: Accept-Encoding", ask=("Accept-Encoding: GZIP",)),
    hit(ask=("Accept-Encoding: gzip",)),
)
vary.must(
    "Accept-Encoding: another",
    put(HOUR, "Vary: Accept-Encoding", ask=("Accept-Encoding: gzip",)),
    miss(ask=("Accept-Encoding: br",)),
)
vary.may(
    "Accept-Language: case",
    put(HOUR, "Vary: Accept-Language", ask=("Accept-Language: EN",)),
    hit(ask=("Accept-Language: en",)),
)
vary.may(
    "Accept-Language: order",
    put(HOUR, "Vary: Accept-Language", ask=("Accept-Language: en, de;q=0.50",)),
    hit(ask=("Accept-Language: de; q=0.5, en",)),
)
vary.must(
    "Accept-Language: other weights",
    put(HOUR, "Vary: Accept-Language", ask=("Accept-Language: en, de;q=0.5",)),
    miss(ask=("Accept-Language: de, en;q=0.5",)),
)
vary.must(
    "Accept-Language: another",
    put(HOUR, "Vary: Accept-Language", ask=("Accept-Language: es",)),
    miss(ask=("Accept-Language: en",)),
)
vary.must(
    "User-Agent",
    put(HOUR, "Vary: User-Agent", ask=("User-Agent: a",)),
    miss(ask=("User-Agent: b",)),
    hit(ask=("User-Agent: a",)),
)
vary.must("Origin", put(HOUR, "Vary: Origin", ask=("Origin: http://a",)), miss(ask=("Origin: http://b",)))
vary.must(
    "a variant without Vary answers everyone",
    put(HOUR, "Vary: Foo", ask=A),
    miss(HOUR, ask=B),
    hit(ask=("Foo: 3",), of=1),
)
vary.must(
    "of several that match the most recent",
    put(HOUR, "Vary: Foo", "Date: {now-100}", ask=("Foo: 1", "Bar: 1")),
    miss(HOUR, "Vary: Bar", ask=("Foo: 2", "Bar: 1")),
    hit(ask=("Foo: 1", "Bar: 1"), of=1),
)
vary.must(
    "the most recent by Date, not by arrival",
    put(HOUR, "Vary: Foo", ask=("Foo: 1", "Bar: 1")),
    miss(HOUR, "Vary: Bar", "Date: {now-100}", ask=("Foo: 2", "Bar: 1")),
    hit(ask=("Foo: 1", "Bar: 1"), of=0),
)
vary.should(
    "one with Vary before one that lacks it",
    put(HOUR, "Vary: Foo", "Date: {now-100}", ask=A),
    miss(HOUR, ask=B),
    hit(ask=A, of=0),
)
vary.must("a variant on a 404", put(HOUR, "Vary: Foo", code=404, ask=A), hit(ask=A), miss(ask=B))
vary.must("the selecting field reaches the origin", put("Vary: Foo", ask=A, sent=A))
