"""RFC 9111 §3: which responses are kept, and which of their fields."""

from tests.conformance.scenario import Row, Section, check304, either, hit, miss, put, wire

ROWS: list[Row] = []
HOUR = "Cache-Control: max-age=3600"
KEY = "Authorization: Basic YTpi"

methods = Section("9111-3 methods", ROWS)
methods.must("a HEAD's response does not answer a GET", put(HOUR, method="HEAD"), miss(HOUR))
for name in ("POST", "PUT", "PATCH", "DELETE", "OPTIONS", "FOO"):
    methods.must(f"a {name}'s response does not answer a GET", put(HOUR, method=name, content=b"x"), miss())
    methods.must(f"a {name} is never answered by a stored GET", put(HOUR), put(method=name, content=b"x"))
    methods.check(f"a {name} is not answered by itself", put(HOUR, method=name), put(method=name))
methods.must("an unknown method's response is passed on", put("X-Foo: 1", code=299, method="FOO", has=("X-Foo: 1",)))
methods.must("the method is passed on as it is", put(method="FOO", sent=(":method: FOO",)))
methods.must("methods are told apart by case", put(HOUR), either(method="get", status=(200, 400, 501), lacks=("Age",)))

statuses = Section("9111-3 statuses", ROWS)
for status in (200, 201, 202, 203, 204, 205, 207, 208, 226, 299, 300, 301, 302, 303, 305, 306, 307, 308, 399):
    statuses.may(f"{status} with max-age", put(HOUR, "Location: /elsewhere", code=status), hit(has=("Location",)))
for status in (400, 401, 402, 403, 404, 405, 406, 407, 408, 409, 410, 411, 413, 414, 415, 417, 418, 421, 422):
    statuses.may(f"{status} with max-age", put(HOUR, code=status), hit())
for status in (423, 424, 425, 426, 451, 499, 500, 501, 502, 503, 504, 505, 506, 507, 508, 510, 599):
    statuses.may(f"{status} with max-age", put(HOUR, code=status), hit())
for number, status in (("3", 428), ("4", 429), ("5", 431), ("6", 511)):
    Section(f"6585-{number}", ROWS).must(f"{status} is never stored", put(HOUR, code=status), miss(HOUR, code=status))
for status in (412, 416):
    asks = ("Range: bytes=0-3",)
    statuses.may(f"{status} with max-age, where nothing but its URL was asked", put(HOUR, code=status), hit())
    statuses.must(
        f"{status} speaks of one request's range", put(HOUR, code=status, ask=asks), miss(HOUR, code=status, ask=asks)
    )
statuses.may("404 with Expires", put("Expires: {now+60}", code=404), hit())
statuses.may("503 with s-maxage", put("Cache-Control: s-maxage=60", code=503), hit())
statuses.must("200 that says nothing", put(), miss())
statuses.must("404 that says nothing", put(code=404), miss(code=404))
statuses.must("a validator alone keeps nothing fresh", put('ETag: "a"'), either(asked=1))

store = Section("9111-5.2.2.5", ROWS)
store.must("no-store", put("Cache-Control: no-store"), miss())
store.must("no-store beside max-age", put("Cache-Control: max-age=3600, no-store"), miss())
store.must("no-store in upper case", put("Cache-Control: NO-STORE, max-age=3600"), miss())
store.must("no-store on a second line", put(HOUR, "Cache-Control: no-store"), miss())
store.must("no-store beside Expires", put("Cache-Control: no-store", "Expires: {now+3600}"), miss())
store.must("no-store does not end what is stored before", put(HOUR), hit(), hit())
store.must("no-store on a 404", put("Cache-Control: max-age=3600, no-store", code=404), miss(code=404))
store.must("no-store with a validator is not validated", put("Cache-Control: no-store", 'ETag: "a"'), miss())

private = Section("9111-5.2.2.7", ROWS)
private.must("private", put("Cache-Control: private, max-age=3600"), miss())
private.must("private beside s-maxage", put("Cache-Control: private, s-maxage=3600"), miss())
private.must("private in mixed case", put("Cache-Control: Private, max-age=3600"), miss())
private.must("private and public", put("Cache-Control: public, private, max-age=3600"), miss())
private.must(
    "private=field: that field is not kept",
    put('Cache-Control: max-age=3600, private="x-secret"', "X-Secret: 1", "X-Other: 2"),
    hit(lacks=("X-Secret",), has=("X-Other: 2",)),
)
private.must(
    "private=fields: none of them is kept",
    put('Cache-Control: max-age=3600, private="X-A, x-b"', "X-A: 1", "X-B: 2"),
    hit(lacks=("X-A", "X-B")),
)
private.check('private="" is private', put('Cache-Control: max-age=3600, private=""'), miss())
private.check("private=token names a field or is private", put("Cache-Control: max-age=3600, private=x-a"), miss())

no_cache = Section("9111-5.2.2.4", ROWS)
no_cache.must("no-cache is not reused unasked", put("Cache-Control: no-cache, max-age=3600"), miss())
no_cache.must("no-cache is validated", put("Cache-Control: no-cache, max-age=3600", 'ETag: "a"'), check304())
no_cache.must("no-cache alone is validated", put("Cache-Control: no-cache", 'ETag: "a"'), check304(), check304())
no_cache.must("no-cache in mixed case", put("Cache-Control: No-Cache, max-age=60"), miss())
no_cache.must("no-cache beside Expires", put("Cache-Control: no-cache", "Expires: {now+60}"), miss())
no_cache.must(
    "no-cache=field: that field is not reused unasked",
    put('Cache-Control: max-age=3600, no-cache="x-secret"', "X-Secret: 1", "X-Other: 2"),
    hit(lacks=("X-Secret",), has=("X-Other: 2",)),
)
no_cache.must(
    "no-cache=field: the asker sees it", put('Cache-Control: max-age=9, no-cache="x-a"', "X-A: 1", has=("X-A: 1",))
)

understand = Section("9111-5.2.2.3", ROWS)
understand.may("200 lifts no-store", put("Cache-Control: no-store, must-understand, max-age=60"), hit())
understand.may("404 lifts no-store", put("Cache-Control: no-store, must-understand, max-age=60", code=404), hit())
understand.must("a status nobody knows", put("Cache-Control: no-store, must-understand, max-age=60", code=599), miss())
understand.must(
    "a status nobody knows without no-store", put("Cache-Control: must-understand, max-age=60", code=599), miss()
)
understand.must("private stays private", put("Cache-Control: private, no-store, must-understand, max-age=60"), miss())

authorized = Section("9111-3.5", ROWS)
authorized.must("max-age is not enough", put(HOUR, ask=(KEY,)), miss())
authorized.must("max-age is not enough for the same user", put(HOUR, ask=(KEY,)), miss(ask=(KEY,)))
authorized.must("Expires is not enough", put("Expires: {now+60}", ask=(KEY,)), miss())
for said in ("public, max-age=60", "must-revalidate, max-age=60", "s-maxage=60"):
    authorized.may(f"{said}: for everyone", put(f"Cache-Control: {said}", ask=(KEY,)), hit(), hit(ask=(KEY,)))
authorized.must("private wins", put("Cache-Control: public, private, max-age=60", ask=(KEY,)), miss())
authorized.must("the credentials reach the origin", put(ask=(KEY,), sent=(KEY,)))
authorized.check("a user is not given what is only known to be everybody's", put(HOUR), miss(ask=(KEY,)))
authorized.must("one user's answer is not another's", put(HOUR, ask=(KEY,)), miss(ask=("Authorization: Basic Yzpk",)))

cookies = Section("9111-7.3", ROWS)
cookies.may("Set-Cookie beside max-age", put(HOUR, "Set-Cookie: a=1"), hit(has=("Set-Cookie: a=1",)))
cookies.may(
    "Set-Cookie lines stay apart", put(HOUR, "Set-Cookie: a=1", "Set-Cookie: b=2"), hit(has=("Set-Cookie: a=1, b=2",))
)
cookies.may("a Cookie is no secret by itself", put(HOUR, ask=("Cookie: a=1",)), hit(ask=("Cookie: b=2",)))
cookies.must("the cookie reaches the origin", put(HOUR, ask=("Cookie: a=1",), sent=("Cookie: a=1",)))
cookies.must("Vary: Cookie tells them apart", put(HOUR, "Vary: Cookie", ask=("Cookie: a",)), miss(ask=("Cookie: b",)))

fields = Section("9111-3.1", ROWS)
for line in (
    "Content-Type: text/plain; charset=utf-8",
    "Content-Language: es",
    "Content-Location: /x",
    "Link: </a>; rel=next",
    "X-Unknown: 1",
    "Expires: {now+60}",
    'ETag: "x"',
    "Last-Modified: {now-60}",
    "Allow: GET",
    "Content-Disposition: inline",
    "Strict-Transport-Security: max-age=1",
    "X-Bytes: caf\xe9 \xff",
    "X-Empty: ",
    "Server: origin",
    "Vary: Foo",
    "Pragma: foo",
    'Warning: 199 - "old"',
    "Content-MD5: Q2h1Y2sgSW50ZWdyaXR5IQ==",
    "Trailing-Comma: a, ,b,",
):
    name = line.partition(":")[0]
    fields.must(f"{name} is kept as it came", put(HOUR, line, has=(line,)), hit(has=(line,)))
fields.must("lines of one name keep their order", put(HOUR, "X-A: 1", "X-A: 2"), hit(has=("X-A: 1, 2",)))
fields.must("Date is kept", put(HOUR, "Date: {now-60}"), hit(has=("Date: {now-60}",)))
fields.must(
    "Cache-Control is passed on whole",
    put("Cache-Control: foo=bar, max-age=60"),
    hit(has=("Cache-Control: foo=bar, max-age=60",)),
)
for line in ("Keep-Alive: timeout=5", "Proxy-Connection: close", "Proxy-Authenticate: Basic realm=a"):
    name = line.partition(":")[0]
    fields.must(f"{name} is not kept", put(HOUR, line), hit(lacks=(name,)))
for name in ("Proxy-Authentication-Info", "Proxy-Authorization"):
    fields.must(f"{name} is not kept", put(HOUR, f"{name}: a"), hit(lacks=(name,)))
fields.must(
    "what Connection names is not kept", put(HOUR, "Connection: X-Hop", "X-Hop: 1"), hit(lacks=("X-Hop", "Connection"))
)

body = Section("9111-3 bodies", ROWS)
body.must("an empty body", put(HOUR, says=b""), hit())
body.must("all bytes", put(HOUR, says=bytes(range(256)) * 256), hit())
body.must("half a mebibyte", put(HOUR, says=b"0123456789abcdef" * 32768), hit())

obsolete = Section("9111-5.4", ROWS)
obsolete.check("Pragma in a response means nothing", put(HOUR, "Pragma: no-cache"), hit())
obsolete.check("Pragma in a request means nothing by default", put(HOUR), hit(ask=("Pragma: no-cache",)))

posted = Section("9110-9.3.3", ROWS)
HERE = "Content-Location: {path}"
posted.may("its answer answers a GET", put(HOUR, HERE, method="POST", content=b"x"), hit(), hit(method="HEAD"))
posted.may(
    "named by a whole URL", put(HOUR, "Content-Location: http://origin.test{path}", method="POST", content=b"x"), hit()
)
posted.may(
    "after another POST", put(method="POST", content=b"x"), put(HOUR, HERE, method="POST", content=b"x"), hit(of=1)
)
posted.must(
    "no POST is answered by it",
    put(HOUR, HERE, method="POST", content=b"x"),
    put(HOUR, HERE, method="POST", content=b"x"),
)
posted.must("the next POST ends it", put(HOUR, HERE, method="POST"), put(method="POST", content=b"x"), miss())
posted.must("not without Content-Location", put(HOUR, method="POST", content=b"x"), put())
posted.must("not of another URL", put(HOUR, f"{HERE}/b", method="POST", at="/a"), put(at="/a"), put(at="/b"))
posted.must(
    "not of another origin", put(HOUR, "Content-Location: http://other.test{path}", method="POST", content=b"x"), put()
)
posted.must("not without explicit freshness", put(HERE, "Last-Modified: {now-864000}", method="POST"), put())
posted.must("not with no-store", put("Cache-Control: no-store, max-age=60", HERE, method="POST"), put())
posted.must("not of an error", put(HOUR, HERE, method="POST", code=400), put())
posted.must("not of a PUT", put(HOUR, HERE, method="PUT", content=b"x"), put())
posted.must(
    "not what breaks off",
    either(
        reply=wire(
            "HTTP/1.1 200 OK\r\nCache-Control: max-age=60\r\nContent-Location: {path}\r\nContent-Length: 9\r\n\r\na"
        ),
        method="POST",
        complete=False,
    ),
    put(),
)
posted.must("Vary counts", put(HOUR, HERE, "Vary: Foo", method="POST", ask=("Foo: 1",)), put(ask=("Foo: 2",)))
posted.must("nor with credentials", put(HOUR, HERE, method="POST", ask=("Authorization: Basic eA==",)), put())
