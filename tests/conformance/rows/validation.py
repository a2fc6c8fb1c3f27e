"""RFC 9111 §4.3 and RFC 9110 §13: Tambo's questions to the origin, and clients' conditions to Tambo."""

from tests.conformance.scenario import Row, Section, changed, check304, either, fails, hit, miss, put, wire

ROWS: list[Row] = []
HOUR = "Cache-Control: max-age=3600"
OLD = ("Cache-Control: max-age=60", "Age: 120")
TAG, WEAK = 'ETag: "a"', 'ETag: W/"a"'
SINCE = "Last-Modified: {now-864000}"

ask = Section("9111-4.3.1", ROWS)
ask.must("the entity-tag", put(*OLD, TAG), check304(sent=('If-None-Match: "a"',), unsent=("If-Modified-Since",)))
ask.must("a weak entity-tag as it is", put(*OLD, WEAK), check304(sent=('If-None-Match: W/"a"',)))
ask.must(
    "an entity-tag with odd characters",
    put(*OLD, 'ETag: "a,b;c=\xe9"'),
    check304(sent=('If-None-Match: "a,b;c=\xe9"',)),
)
ask.should(
    "Last-Modified", put(*OLD, SINCE), check304(sent=("If-Modified-Since: {now-864000}",), unsent=("If-None-Match",))
)
ask.must(
    "Last-Modified in the form it had",
    put(*OLD, "Last-Modified: {rfc850:now-99}"),
    check304(sent=("If-Modified-Since: {rfc850:now-99}",)),
)
ask.should("both", put(*OLD, TAG, SINCE), check304(sent=('If-None-Match: "a"', "If-Modified-Since: {now-864000}")))
ask.must("neither: no condition", put(*OLD), miss())
ask.must(
    "the selecting fields are those of the request",
    put(*OLD, TAG, "Vary: Foo", ask=("Foo: 1",)),
    check304(ask=("Foo: 1",), sent=("Foo: 1",)),
)
ask.must(
    "another variant's validator is not said to be this one's",
    put(HOUR, TAG, "Vary: Foo", ask=("Foo: 1",)),
    either(HOUR, ask=("Foo: 2",), body=None, asked=1),
)
ask.may(
    "the validators of other variants",
    put(HOUR, TAG, "Vary: Foo", ask=("Foo: 1",)),
    check304(HOUR, TAG, ask=("Foo: 2",), sent=('If-None-Match: "a"',), has=(TAG,)),
    hit(ask=("Foo: 2",)),
)
ask.may(
    "several of them",
    put(HOUR, 'ETag: "a"', "Vary: Foo", ask=("Foo: 1",)),
    changed(HOUR, 'ETag: "b"', "Vary: Foo", ask=("Foo: 2",)),
    check304('ETag: "b"', ask=("Foo: 3",), of=1, sent=('If-None-Match: ~"a".*"b"|"b".*"a"',), has=('ETag: "b"',)),
)
ask.must(
    "a 200 to them is another variant",
    put(HOUR, TAG, "Vary: Foo", ask=("Foo: 1",)),
    changed(HOUR, 'ETag: "b"', "Vary: Foo", ask=("Foo: 2",)),
    hit(ask=("Foo: 1",), of=0),
    hit(ask=("Foo: 2",), of=1),
)

got = Section("9111-4.3.3", ROWS)
got.must("304: the stored response", put(*OLD, TAG), check304(status=200, lacks=("Content-Range",)))
got.must("304: fresh again", put(*OLD, TAG), check304(HOUR), hit(has=("Age: ~^\\d$",)))
got.must("304: fresh again by its own stored lifetime", put(HOUR, "Date: {now-7200}", TAG), check304(), hit())
got.must("304: the old Age is gone", put(HOUR, "Age: 7200", TAG), check304(), hit(has=("Age: ~^\\d$",)))
got.must("304: its own Age counts", put(*OLD, TAG), check304(HOUR, "Age: 600"), hit(has=("Age: ~^60\\d$",)))
got.must("304: its own Expires", put("Expires: {now-60}", TAG), check304("Expires: {now+3600}"), hit())
got.must("304: without a body", put(*OLD, TAG, says=b"stored"), check304(has=("Content-Length: 6",)))
got.must("304: as often as it is stale", put(*OLD, TAG), check304("Age: 120"), check304("Age: 120"))
got.must("200: takes its place", put(*OLD, TAG), changed(HOUR, 'ETag: "b"'), hit(of=1, has=('ETag: "b"',)))
got.must("200: with the same entity-tag too", put(*OLD, TAG), changed(HOUR, TAG), hit(of=1))
got.must("404: is passed on", put(*OLD, TAG), changed(code=404))
got.check("5xx: is passed on", put(*OLD, TAG), changed(code=500))
got.must("no answer: a gateway's error or stale", put(*OLD, TAG), either(reply=wire(""), status=(200, 502, 504)))
got.must("a 304 that nobody asked for is no success", put(code=304, status=(304, 502)), miss(HOUR), hit(of=1))

update = Section("9111-3.2", ROWS)
update.must("a new value", put(*OLD, TAG, "X-A: 1"), check304("X-A: 2", HOUR, has=("X-A: 2",)), hit(has=("X-A: 2",)))
update.must("a new field", put(*OLD, TAG), check304("X-A: 2", HOUR, has=("X-A: 2",)), hit(has=("X-A: 2",)))
update.must("what is not said stays", put(*OLD, TAG, "X-A: 1"), check304(HOUR, has=("X-A: 1",)), hit(has=("X-A: 1",)))
update.must("all lines of a field", put(*OLD, TAG, "X-A: 1", "X-A: 2"), check304("X-A: 3", HOUR), hit(has=("X-A: 3",)))
update.must(
    "Cache-Control", put(*OLD, TAG), check304("Cache-Control: max-age=7", has=("Cache-Control: max-age=7",)), hit()
)
update.must("Date", put(*OLD, TAG, "Date: {now-60}"), check304(HOUR, "Date: {now-1}"), hit(has=("Date: {now-1}",)))
update.must(
    "Content-Length does not change",
    put(*OLD, TAG, says=b"12345"),
    check304(HOUR, "Content-Length: 99"),
    hit(has=("Content-Length: 5",)),
)
for line in (
    "Content-Type: text/csv",
    "Content-Language: qu",
    "Content-Location: /b",
    "Link: </b>",
    "Expires: {now+60}",
):
    name = line.partition(":")[0]
    update.must(f"{name} changes", put(*OLD, TAG, f"{name}: a"), check304(HOUR, line, has=(line,)), hit(has=(line,)))
update.must(
    "what Connection names is left out",
    put(*OLD, TAG),
    check304(HOUR, "Connection: X-A", "X-A: 1", lacks=("X-A",)),
    hit(lacks=("X-A",)),
)
update.check(
    "Content-Encoding stays what the stored bytes are in",
    put(*OLD, TAG, "Content-Encoding: x-foo"),
    check304(HOUR, "Content-Encoding: x-bar"),
    hit(has=("Content-Encoding: x-foo",)),
)
update.must(
    "Set-Cookie, where such responses are stored at all",
    put(*OLD, TAG, "Set-Cookie: a=1"),
    check304(HOUR, "Set-Cookie: a=2", has=("Set-Cookie: a=2",)),
    hit(has=("Set-Cookie: a=2",)),
)
update.must(
    "Vary: the selecting fields are this request's",
    put(*OLD, TAG),
    check304(HOUR, "Vary: Foo", ask=("Foo: 1",)),
    hit(ask=("Foo: 1",)),
    either(HOUR, ask=("Foo: 2",), asked=1),
)
update.must(
    "no-store on a 304 keeps nothing fresh", put(*OLD, TAG), check304("Cache-Control: no-store"), either(asked=1)
)
update.must(
    "private on a 304 keeps nothing fresh",
    put(*OLD, TAG),
    check304("Cache-Control: private, max-age=60"),
    either(asked=1),
)

select = Section("9111-4.3.4", ROWS)
select.must("the same strong entity-tag", put(*OLD, TAG), check304(HOUR, TAG), hit())
select.must("the same weak entity-tag", put(*OLD, WEAK), check304(HOUR, WEAK), hit())
select.must(
    "another strong entity-tag updates nothing",
    put(*OLD, TAG, "X-A: 1"),
    check304(HOUR, 'ETag: "b"', "X-A: 2", status=(200, 304, 502)),
    either(asked=1),
)
select.must("the same Last-Modified", put(*OLD, SINCE), check304(HOUR, SINCE), hit())

head = Section("9111-4.3.5", ROWS)
SAME = (HOUR, TAG, "X-A: 2", "Content-Length: 5")
head.should(
    "a HEAD that agrees freshens",
    put(*OLD, TAG, "X-A: 1", says=b"12345"),
    either(*SAME, method="HEAD"),
    hit(has=("X-A: 2",)),
)
head.should(
    "a HEAD with another entity-tag ends it",
    put(*OLD, TAG),
    either(HOUR, 'ETag: "b"', method="HEAD"),
    either(HOUR, asked=1),
)
head.should(
    "a HEAD with another length ends it",
    put(*OLD, TAG, says=b"12345"),
    either(HOUR, TAG, "Content-Length: 9", method="HEAD"),
    either(HOUR, asked=1),
)

from_get = Section("9110-9.3.2", ROWS)
from_get.may(
    "a HEAD is answered by a stored GET",
    put(HOUR, TAG, "X-A: 1"),
    hit(method="HEAD", has=(TAG, "X-A: 1", "Age: ~^\\d$")),
)
from_get.should(
    "with the length of its content", put(HOUR, says=b"12345"), hit(method="HEAD", has=("Content-Length: 5",))
)
from_get.must("a HEAD reaches the origin as one", put(HOUR, method="HEAD", sent=(":method: HEAD",)))
from_get.must("a HEAD's own length is passed on", put("Content-Length: 77", method="HEAD", has=("Content-Length: 77",)))
from_get.check("a HEAD's answer is not stored", put(HOUR, method="HEAD"), put(HOUR, method="HEAD"))
from_get.must("a stored 404 for a HEAD", put(HOUR, code=404), hit(method="HEAD"))
from_get.must("HEAD of another variant", put(HOUR, "Vary: Foo"), miss(ask=("Foo: 1",), method="HEAD"))
from_get.must("If-None-Match on a HEAD", put(HOUR, TAG), hit(method="HEAD", ask=('If-None-Match: "a"',), status=304))

inm = Section("9110-13.1.2", ROWS)
inm.should("the same: 304", put(HOUR, TAG), hit(ask=('If-None-Match: "a"',), status=304))
inm.must("another: 200", put(HOUR, TAG), hit(ask=('If-None-Match: "b"',)))
inm.must("one of several", put(HOUR, TAG), hit(ask=('If-None-Match: "x", "a" , "y"',), status=304))
inm.must("one of several lines", put(HOUR, TAG), hit(ask=('If-None-Match: "x"', 'If-None-Match: "a"'), status=304))
inm.must("none of several", put(HOUR, TAG), hit(ask=('If-None-Match: "x", "y"',)))
inm.must("weak asks for strong", put(HOUR, TAG), hit(ask=('If-None-Match: W/"a"',), status=304))
inm.must("strong asks for weak", put(HOUR, WEAK), hit(ask=('If-None-Match: "a"',), status=304))
inm.must("weak asks for weak", put(HOUR, WEAK), hit(ask=('If-None-Match: W/"a"',), status=304))
inm.must("*", put(HOUR, TAG), hit(ask=("If-None-Match: *",), status=304))
inm.must("* without an entity-tag", put(HOUR), hit(ask=("If-None-Match: *",), status=304))
inm.must("case counts", put(HOUR, TAG), hit(ask=('If-None-Match: "A"',)))
inm.must("a part is not the whole", put(HOUR, 'ETag: "ab"'), hit(ask=('If-None-Match: "a"',)))
inm.must(
    "a comma inside an entity-tag", put(HOUR, 'ETag: "b"'), hit(ask=('If-None-Match: "a,"b""',), status=(200, 304))
)
inm.check("without quotes it is none", put(HOUR, TAG), hit(ask=("If-None-Match: a",)))
inm.must("stored without an entity-tag", put(HOUR), hit(ask=('If-None-Match: "a"',)))
inm.must("only successes are conditional", put(HOUR, TAG, code=404), hit(ask=('If-None-Match: "a"',)))
inm.must("nothing stored, the same", either(HOUR, TAG, ask=('If-None-Match: "a"',), status=(200, 304)), hit())
inm.must("nothing stored, another", either(HOUR, TAG, ask=('If-None-Match: "b"',)), hit())
inm.must("stale, unchanged: 304", put(*OLD, TAG), check304(HOUR, ask=('If-None-Match: "a"',), status=304), hit())
inm.must("stale, the client's is older: 200", put(*OLD, TAG), check304(HOUR, ask=('If-None-Match: "0"',)), hit())
inm.must(
    "stale, changed to the client's: 304 or 200",
    put(*OLD, TAG),
    changed(HOUR, 'ETag: "b"', ask=('If-None-Match: "b"',), status=(200, 304)),
    hit(of=1),
)
inm.must(
    "stale, changed to a third: 200", put(*OLD, TAG), changed(HOUR, 'ETag: "c"', ask=('If-None-Match: "b"',)), hit(of=1)
)

ims = Section("9110-13.1.3", ROWS)
ims.should("the same: 304", put(HOUR, SINCE), hit(ask=("If-Modified-Since: {now-864000}",), status=304))
ims.should("later: 304", put(HOUR, SINCE), hit(ask=("If-Modified-Since: {now-60}",), status=304))
ims.must("earlier: 200", put(HOUR, SINCE), hit(ask=("If-Modified-Since: {now-864001}",)))
ims.must("no date: ignored", put(HOUR, SINCE), hit(ask=("If-Modified-Since: yesterday",)))
ims.must("RFC 850", put(HOUR, SINCE), hit(ask=("If-Modified-Since: {rfc850:now-60}",), status=304))
ims.must("asctime", put(HOUR, SINCE), hit(ask=("If-Modified-Since: {asctime:now-60}",), status=304))
ims.must("asctime, earlier", put(HOUR, SINCE), hit(ask=("If-Modified-Since: {asctime:now-999999}",)))
ims.must(
    "If-None-Match before it: another",
    put(HOUR, TAG, SINCE),
    hit(ask=('If-None-Match: "b"', "If-Modified-Since: {now}")),
)
ims.must(
    "If-None-Match before it: the same",
    put(HOUR, TAG, SINCE),
    hit(ask=('If-None-Match: "a"', "If-Modified-Since: {now-999999}"), status=304),
)
ims.must("only successes are conditional", put(HOUR, SINCE, code=404), hit(ask=("If-Modified-Since: {now}",)))
ims.may(
    "without Last-Modified by Date", put(HOUR, "Date: {now-60}"), hit(ask=("If-Modified-Since: {now-30}",), status=304)
)
ims.must("without Last-Modified, before Date", put(HOUR, "Date: {now-60}"), hit(ask=("If-Modified-Since: {now-90}",)))
ims.must(
    "stale, unchanged", put(*OLD, SINCE), check304(HOUR, ask=("If-Modified-Since: {now-864000}",), status=304), hit()
)
ims.must("nothing stored", either(HOUR, SINCE, ask=("If-Modified-Since: {now-60}",), status=(200, 304)), hit())

reply = Section("9110-15.4.5", ROWS)
for line in (TAG, HOUR, "Vary: Foo", "Content-Location: /x", "Expires: {now+9999}", "Date: {now-5}"):
    name = line.partition(":")[0]
    extra = () if line in (TAG, HOUR) else (line,)
    reply.must(f"a 304 has {name}", put(TAG, HOUR, *extra), hit(ask=('If-None-Match: "a"',), status=304, has=(line,)))
reply.must(
    "a 304 has Age", put(TAG, HOUR, "Age: 600"), hit(ask=('If-None-Match: "a"',), status=304, has=("Age: ~^60\\d$",))
)
reply.should(
    "a 304 has nothing of the content",
    put(TAG, HOUR, "Content-Type: a/b", "Content-Language: es"),
    hit(ask=('If-None-Match: "a"',), status=304, lacks=("Content-Type", "Content-Language")),
)
reply.should(
    "a 304 without entity-tag has Last-Modified",
    put(SINCE, HOUR),
    hit(ask=("If-Modified-Since: {now}",), status=304, has=(SINCE,)),
)

state = Section("9110-13.1.1", ROWS)
state.must(
    "If-Match is the origin's to judge",
    put(HOUR, TAG),
    either(code=412, ask=('If-Match: "b"',), sent=('If-Match: "b"',), asked=1),
)
state.must(
    "If-Unmodified-Since is the origin's to judge",
    put(HOUR, SINCE),
    either(code=412, ask=("If-Unmodified-Since: {now}",), sent=("If-Unmodified-Since: {now}",), asked=1),
)
state.must(
    "on a PUT they are passed on", put(method="PUT", content=b"x", ask=('If-Match: "b"',), sent=('If-Match: "b"',))
)
state.must(
    "conditions of a POST are passed on",
    either(method="POST", content=b"x", ask=('If-None-Match: "b"',), sent=('If-None-Match: "b"',)),
)
state.must("a 412 is not stored by itself", either(code=412, ask=('If-Match: "b"',)), put(HOUR))
state.must("nor is the answer it got", fails(wire(""), ask=('If-Match: "b"',)), put(HOUR))
