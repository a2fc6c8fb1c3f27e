"""RFC 9110 §10 and §15.2, RFC 9112: interim responses, malformed messages, connections that break."""

from typing import Any

from tests.conformance.scenario import Ends, Reply, Row, Section, Step, either, fails, hit, miss, put, wire

ROWS: list[Row] = []
HOUR = "Cache-Control: max-age=3600"
FRESH = "Cache-Control: max-age=3600\r\n"


def interim(*heads: str, **expected: Any) -> Step:
    """A response behind interim ones."""
    return put(reply=Reply(fields=(HOUR,), interim=heads), **expected)


before = Section("9110-15.2", ROWS)
before.must("103 is passed on", interim("HTTP/1.1 103 Early Hints\r\nLink: </a>", interim=(103,)))
before.must("102 is passed on", interim("HTTP/1.1 102 Processing", interim=(102,)))
before.must("one that nobody knows is passed on", interim("HTTP/1.1 199 Foo", interim=(199,)))
before.must(
    "several, in their order", interim("HTTP/1.1 102 A", "HTTP/1.1 103 B", "HTTP/1.1 103 C", interim=(102, 103, 103))
)
before.must(
    "the final response is stored, without them",
    interim("HTTP/1.1 103 Early Hints\r\nX-A: 1"),
    hit(lacks=("X-A",), interim=()),
)
before.must("a fresh one is not confused by them", interim("HTTP/1.1 102 Processing\r\nCache-Control: no-store"), hit())
before.must(
    "not to an HTTP/1.0 client",
    interim("HTTP/1.1 103 Early Hints", interim=(), raw="GET {path} HTTP/1.0\r\nHost: a\r\n\r\n"),
)
before.check("100 to a client that does not wait for it is not passed on", interim("HTTP/1.1 100 Continue", interim=()))
before.must("on an unsafe method", interim("HTTP/1.1 103 Early Hints", interim=(103,), method="POST", content=b"x"))

methods = Section("9110-9.1", ROWS)
for name in ("get", "fOO", "patch", "M-SEARCH", "a.b!", "X" * 32):
    methods.must(f"{name} passes as it is", put(method=name, sent=(f":method: {name}",)))
    methods.must(f"{name} may be unsafe: it ends what is stored", put(HOUR), put(method=name), miss())
methods.must("get is another method than GET", put(HOUR), put(HOUR, method="get"), put(HOUR))

expect = Section("9110-10.1.1", ROWS)
WAIT = ("Expect: 100-continue",)
expect.must("the client is told to go on", put(method="POST", content=b"hello", ask=WAIT, interim=(100,)))
expect.must("without it nobody is told", put(method="POST", content=b"hello", interim=()))
expect.must("without content nobody waits", put(HOUR, ask=WAIT))
expect.may("another expectation", either(ask=("Expect: foo",), status=(200, 417)))

length = Section("9112-6.3", ROWS)
GOOD = "HTTP/1.1 200 OK\r\n" + FRESH
length.must(
    "chunked",
    put(
        reply=wire(GOOD + "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n", ends=Ends.KEEP),
        body=b"abcde",
    ),
    hit(body=b"abcde"),
)
length.must(
    "chunk extensions are dropped",
    put(
        reply=wire(GOOD + "Transfer-Encoding: chunked\r\n\r\n3;a=b\r\nabc\r\n0;c\r\n\r\n", ends=Ends.KEEP), body=b"abc"
    ),
    hit(body=b"abc"),
)
length.must(
    "trailers do not become fields",
    put(
        reply=wire(
            GOOD + "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nX-T: 1\r\nCache-Control: no-store\r\n\r\n",
            ends=Ends.KEEP,
        ),
        body=b"abc",
        lacks=("X-T",),
    ),
    hit(body=b"abc", lacks=("X-T",)),
)
length.must(
    "chunk sizes in any case",
    put(
        reply=wire(GOOD + "Transfer-Encoding: chunked\r\n\r\n00A\r\n0123456789\r\n0\r\n\r\n", ends=Ends.KEEP),
        body=b"0123456789",
    ),
    hit(body=b"0123456789"),
)
length.must("until the connection ends", put(reply=wire(GOOD + "\r\nabc"), body=b"abc"), hit(body=b"abc"))
length.must(
    "HTTP/1.0 origins", put(reply=wire("HTTP/1.0 200 OK\r\n" + FRESH + "\r\nabc"), body=b"abc"), hit(body=b"abc")
)
length.must(
    "204 has no content",
    put(reply=wire("HTTP/1.1 204 No\r\n" + FRESH + "\r\n", ends=Ends.KEEP), status=204),
    hit(status=204),
)
length.must(
    "304 has no content, whatever it says",
    put("Cache-Control: max-age=60", "Age: 90", 'ETag: "a"'),
    either(
        code=304, reply=wire("HTTP/1.1 304 No\r\n" + FRESH + "Content-Length: 9\r\n\r\n", ends=Ends.KEEP), status=200
    ),
    hit(),
)
length.must("an upload by length", put(method="POST", content=b"hello", sent=("Content-Length: 5",)))
length.must(
    "an upload in chunks",
    put(
        method="POST",
        raw="POST {path} HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
        sent=("Transfer-Encoding: chunked",),
    ),
)
length.must(
    "two equal lengths are one",
    either(reply=wire(GOOD + "Content-Length: 3\r\nContent-Length: 3\r\n\r\nabc"), status=(200, 502)),
)

cut = Section("9111-3.3 incomplete", ROWS)
CUT = wire(GOOD + "Content-Length: 100\r\n\r\nonly this")
CUT_CHUNKS = wire(GOOD + "Transfer-Encoding: chunked\r\n\r\n9\r\nonly this\r\n")
CUT_CHUNK = wire(GOOD + "Transfer-Encoding: chunked\r\n\r\n99\r\nonly this")
cut.must("shorter than announced is not passed off as whole", put(reply=CUT, complete=False))
cut.must("shorter than announced is not reused", put(reply=CUT, complete=False), miss(HOUR), hit(of=1))
cut.must("without the last chunk is not passed off as whole", put(reply=CUT_CHUNKS, complete=False))
cut.must("without the last chunk is not reused", put(reply=CUT_CHUNKS, complete=False), miss(HOUR), hit(of=1))
cut.must("inside a chunk", put(reply=CUT_CHUNK, complete=False), miss(HOUR), hit(of=1))
cut.must(
    "reset inside the body",
    put(reply=wire(GOOD + "Content-Length: 100\r\n\r\nonly", ends=Ends.RESET), complete=False, status=(200, 502)),
    miss(HOUR),
)
cut.must("inside the head", fails(wire("HTTP/1.1 200 OK\r\nCache-Con")), miss(HOUR), hit(of=1))
cut.must(
    "what was stored before is not harmed",
    put("Cache-Control: max-age=60", "Age: 90", 'ETag: "a"'),
    either(reply=CUT, complete=False),
    either(HOUR, asked=1),
)

gone = Section("9110-15.6.3", ROWS)
gone.must("the origin closes before it answers", fails(wire("")), put(HOUR), hit(of=1))
gone.must("the origin resets before it answers", fails(wire("", ends=Ends.RESET)), put(HOUR))
gone.must("behind a 103 it closes", either(reply=wire("HTTP/1.1 103 Hints\r\n\r\n"), status=(502, 504)), put(HOUR))
gone.must("the error is not stored", fails(wire(""), lacks=("Age",)), put(), put())
gone.must(
    "the error says what and who",
    fails(wire(""), has=("Content-Type", "Cache-Status: ~^tambo; fwd=", "Content-Length")),
)
Section("9110-9.2.2", ROWS).must(
    "a POST is not sent twice", put(method="POST", content=b"x"), fails(wire(""), method="POST", content=b"x", asked=1)
)
Section("9110-9.2.2", ROWS).must(
    "an unknown method is not sent twice", fails(wire(""), method="FOO", content=b"x", asked=1)
)
Section("9110-9.2.2", ROWS).should(
    "a PUT is not sent twice by us", fails(wire(""), method="PUT", content=b"x", asked=1)
)

longer = Section("9112-9.3", ROWS)
EVIL = "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil"
LONG = "Content-Length: 3\r\n\r\nabc" + EVIL
longer.must(
    "what follows the announced length is nobody's",
    put(reply=wire(GOOD + LONG, ends=Ends.KEEP), body=b"abc"),
    hit(body=b"abc"),
    put(HOUR, at="/other"),
)
longer.must(
    "not on an answer that is passed on either",
    put(reply=wire("HTTP/1.1 200 OK\r\n" + LONG, ends=Ends.KEEP), body=b"abc"),
    put(),
    put(),
)
longer.must(
    "nor behind a 204",
    put(
        reply=wire("HTTP/1.1 204 No\r\n\r\n" + EVIL, ends=Ends.KEEP),
        status=204,
    ),
    put(),
    put(),
)
longer.must(
    "nor behind chunks",
    put(
        reply=wire(
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n" + EVIL,
            ends=Ends.KEEP,
        ),
        body=b"abc",
    ),
    put(),
    put(),
)

wrong = Section("9112-5", ROWS)
for name, text in {
    "no status line": "hello\r\n\r\n",
    "a status that is no number": "HTTP/1.1 abc OK\r\nContent-Length: 1\r\n\r\na",
    "another protocol": "SIP/2.0 200 OK\r\nContent-Length: 1\r\n\r\na",
    "a length that is no number": GOOD + "Content-Length: abc\r\n\r\nabc",
    "a negative length": GOOD + "Content-Length: -1\r\n\r\nabc",
    "two lengths": GOOD + "Content-Length: 1\r\nContent-Length: 3\r\n\r\nabc",
    "two lengths on a line": GOOD + "Content-Length: 1, 3\r\n\r\nabc",
    "a chunk size that is none": GOOD + "Transfer-Encoding: chunked\r\n\r\nxyz\r\nabc\r\n0\r\n\r\n",
    "a NUL in a field": GOOD + "X-A: a\0b\r\nContent-Length: 1\r\n\r\na",
    "a name with a blank": GOOD + "X A: 1\r\nContent-Length: 1\r\n\r\na",
    "a line without colon": GOOD + "nonsense\r\nContent-Length: 1\r\n\r\na",
}.items():
    wrong.must(
        f"{name}: nothing that could be stored",
        either(reply=wire(text), status=(200, 502), complete=None),
        either(HOUR, asked=1),
    )
wrong.must(
    "length and chunks: chunks, or no answer",
    either(
        reply=wire(GOOD + "Content-Length: 99\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"),
        status=(200, 502),
    ),
)
wrong.must(
    "a folded line is one line, or no answer",
    either(reply=wire(GOOD + "X-A: 1\r\n  2\r\nContent-Length: 1\r\n\r\na"), status=(200, 502)),
)
wrong.must("a head without end", fails(wire(GOOD + "X-A: " + "a" * 300000, ends=Ends.CLOSE)), put(HOUR))
wrong.must("a 1xx without end", fails(wire("HTTP/1.1 102 A\r\n\r\n" * 2000)), put(HOUR))

POST = "POST {path} HTTP/1.1\r\nHost: a\r\n"
refused = Section("9112-3", ROWS)
for name, text in {
    "no Host": "GET {path} HTTP/1.1\r\n\r\n",
    "two Hosts": "GET {path} HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
    "a Host that is none": "GET {path} HTTP/1.1\r\nHost: a b\r\n\r\n",
    "a blank before the colon": "GET {path} HTTP/1.1\r\nHost: a\r\nX-A : 1\r\n\r\n",
    "no colon": "GET {path} HTTP/1.1\r\nHost: a\r\nnonsense\r\n\r\n",
    "two lengths": POST + "Content-Length: 1\r\nContent-Length: 2\r\n\r\nab",
    "a length that is no number": POST + "Content-Length: +1\r\n\r\na",
    "length and chunks": POST + "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "chunked that is not last": "POST {path} HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked, gzip\r\n\r\n0\r\n\r\n",
    "an unknown coding": POST + "Transfer-Encoding: foo\r\n\r\n0\r\n\r\n",
    "a chunk size that is none": "POST {path} HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n\r\n",
    "a NUL in a field": "GET {path} HTTP/1.1\r\nHost: a\r\nX-A: a\0b\r\n\r\n",
    "a bare CR in a field": "GET {path} HTTP/1.1\r\nHost: a\r\nX-A: a\rb\r\n\r\n",
    "a blank in the target": "GET {path}/a b HTTP/1.1\r\nHost: a\r\n\r\n",
    "no version": "GET {path}\r\nHost: a\r\n\r\n",
    "another version": "GET {path} HTTP/9.9\r\nHost: a\r\n\r\n",
    "a method that is none": "G@T {path} HTTP/1.1\r\nHost: a\r\n\r\n",
    "nonsense": "hello\r\n\r\n",
}.items():
    refused.must(f"{name} is refused", hit(raw=text, status=(400, 411, 501, 505)), put(HOUR))
refused.must(
    "a folded line is refused, or one line",
    either(raw="GET {path} HTTP/1.1\r\nHost: a\r\nX-A: 1\r\n 2\r\n\r\n", status=(200, 400)),
)
refused.should("an empty line before the request", put(HOUR, raw="\r\nGET {path} HTTP/1.1\r\nHost: a\r\n\r\n"))
refused.must(
    "the absolute form",
    put(HOUR, raw="GET http://origin.test{path}?x HTTP/1.1\r\nHost: b\r\n\r\n", sent=(":target: {path}?x",)),
)
refused.must("a head that is too long", hit(ask=("X-A: " + "a" * 300000,), status=(400, 414, 431)))

old = Section("9112-7.1", ROWS)
CHUNKS = wire(GOOD + "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n", ends=Ends.KEEP)
HTTP_10 = "GET {path} HTTP/1.0\r\nHost: a\r\n\r\n"
old.must("no chunks for an HTTP/1.0 client", put(reply=CHUNKS, raw=HTTP_10, body=b"abc", lacks=("Transfer-Encoding",)))
old.must("what it brought is stored whole", put(reply=CHUNKS, raw=HTTP_10, body=b"abc"), hit(body=b"abc"))
close = Section("9112-9.6", ROWS)
close.must("close is answered by close", put(ask=("Connection: close",), has=("Connection: close",)))
