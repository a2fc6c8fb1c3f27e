"""RFC 9111 §4, §4.2.4 and §5.2, RFC 5861, RFC 8246: what is stored and no longer fresh, and what clients ask for."""

from tests.conformance.scenario import (
    Ends,
    Row,
    Section,
    behind,
    changed,
    check304,
    either,
    eventually,
    fails,
    hit,
    miss,
    put,
    stands_in,
    wire,
)

ROWS: list[Row] = []
HOUR = "Cache-Control: max-age=3600"
TAG = 'ETag: "a"'
GONE = wire("")
RESET = wire("", ends=Ends.RESET)


def stale(*said: str) -> tuple[str, ...]:
    """Fields of a response that is stale on arrival by a minute."""
    return ("Cache-Control: " + ", ".join(("max-age=60", *said)), "Age: 120", TAG)


old = Section("9111-4.2.4", ROWS)
old.must("stale is not reused unasked", put(*stale()), check304())
old.may("stale when the origin closes", put(*stale()), stands_in(reply=GONE, has=("Age: ~^12\\d$",)))
old.may("stale when the origin resets", put(*stale()), stands_in(reply=RESET))
old.may(
    "stale without validator when the origin closes",
    put("Cache-Control: max-age=60", "Age: 120"),
    stands_in(reply=GONE),
)
old.may(
    "stale by Expires when the origin closes", put("Date: {now-120}", "Expires: {now-60}", TAG), stands_in(reply=GONE)
)
old.must("once more when the origin is back", put(*stale()), either(reply=GONE), changed(HOUR), hit(of=2))
for said in ("must-revalidate", "proxy-revalidate", "no-cache", "s-maxage=60"):
    old.must(f"not with {said} when the origin closes", put(*stale(said)), fails(GONE))
    old.must(f"not with {said} when the origin fails", put(*stale(said)), changed(code=503))
old.must(
    "no-cache that is fresh when the origin closes", put("Cache-Control: max-age=3600, no-cache", TAG), fails(GONE)
)
old.check("what was never fresh does not", put("Expires: {now-60}", TAG), fails(GONE))
old.must("nothing stored when the origin closes", fails(GONE), put())
old.check("an error without stale-if-error is passed on", put(*stale()), changed(code=503))
old.must("404 ends what is stored", put(*stale()), changed(code=404), either(asked=1))
old.should("nor does it stand in after that", put(*stale()), changed(code=404), fails(GONE))
old.should("nor after one that may not be stored", put(*stale()), changed("Cache-Control: no-store"), fails(GONE))
old.may("it does after a 403", put(*stale()), changed(code=403), stands_in(reply=GONE))

revalidate = Section("9111-5.2.2.2", ROWS)
revalidate.should("504 when the origin closes", put(*stale("must-revalidate")), fails(GONE, status=504))
revalidate.must("fresh is reused", put("Cache-Control: max-age=3600, must-revalidate"), hit())
revalidate.must("stale is validated", put(*stale("must-revalidate")), check304())
revalidate.must(
    "not with stale-while-revalidate", put(*stale("must-revalidate", "stale-while-revalidate=3600")), check304()
)
revalidate.must("not with stale-if-error", put(*stale("must-revalidate", "stale-if-error=3600")), changed(code=503))
Section("9111-5.2.2.8", ROWS).must("fresh is reused", put("Cache-Control: max-age=3600, proxy-revalidate"), hit())
Section("9111-5.2.2.8", ROWS).must(
    "not with stale-if-error", put(*stale("proxy-revalidate", "stale-if-error=99")), changed(code=503)
)
Section("9111-5.2.2.9", ROWS).must("public changes nothing of a lifetime", put("Cache-Control: public"), miss())

behind_it = Section("5861-3", ROWS)
SWR = stale("stale-while-revalidate=3600")
behind_it.may("stale at once, refreshed behind", put(*SWR), behind(HOUR), eventually(hit(of=1)))
behind_it.may("validated behind", put(*SWR), behind(HOUR, code=304), eventually(hit(has=("Age: ~^\\d$",))))
behind_it.may(
    "without validator",
    put("Cache-Control: max-age=60, stale-while-revalidate=3600", "Age: 90"),
    behind(HOUR),
    eventually(hit(of=1)),
)
behind_it.must("outside the window it waits", put(*stale("stale-while-revalidate=10")), check304())
behind_it.must("a window of 0", put(*stale("stale-while-revalidate=0")), check304())
behind_it.should("a window that is no number", put(*stale("stale-while-revalidate=abc")), check304())
behind_it.may("the Age of what is stale", put(*SWR), behind(HOUR, has=("Age: ~^12\\d$",)))
behind_it.may(
    "a failure behind leaves it", put(*SWR), behind(code=500), eventually(behind(HOUR)), eventually(hit(of=2))
)
for name, code, lines in (
    ("what may not be stored", 200, ("Cache-Control: no-store",)),
    ("what is private", 200, ("Cache-Control: private, max-age=60",)),
    ("a 404", 404, ()),
):
    behind_it.should(
        f"{name} in its place: it is not served again", put(*SWR), behind(*lines, code=code), eventually(changed(HOUR))
    )
behind_it.should(
    "what may not be stored in place of what has no validator: it is not served again",
    put("Cache-Control: max-age=60, stale-while-revalidate=3600", "Age: 90"),
    behind("Cache-Control: no-store"),
    eventually(put(HOUR)),
)
behind_it.must("not with no-cache", put(*stale("no-cache", "stale-while-revalidate=3600")), check304())
behind_it.may(
    "with Expires",
    put("Expires: {now-5}", "Cache-Control: stale-while-revalidate=3600", TAG),
    behind(HOUR),
    eventually(hit(of=1)),
)
behind_it.must("fresh is not refreshed", put("Cache-Control: max-age=3600, stale-while-revalidate=3600"), hit(), hit())

on_error = Section("5861-4", ROWS)
SIE = stale("stale-if-error=3600")
for status in (500, 502, 503, 504):
    on_error.may(f"stale instead of {status}", put(*SIE), stands_in(code=status))
for status in (400, 403, 404, 410):
    on_error.must(f"not instead of {status}", put(*SIE), changed(code=status))
on_error.may("stale when the origin closes", put(*SIE), stands_in(reply=GONE))
on_error.may("stale when the origin resets", put(*SIE), stands_in(reply=RESET))
on_error.may("stale when the origin is no HTTP", put(*SIE), stands_in(reply=wire("SMTP\r\n\r\n")))
on_error.may("without validator", put("Cache-Control: max-age=60, stale-if-error=3600", "Age: 90"), stands_in(code=503))
on_error.must("outside the window", put(*stale("stale-if-error=10")), changed(code=503))
on_error.must("the origin is asked first", put(*SIE), changed(HOUR), hit(of=1))
on_error.must("not with no-cache", put(*stale("no-cache", "stale-if-error=3600")), changed(code=503))
on_error.may("the Age of what is stale", put(*SIE), stands_in(has=("Age: ~^12\\d$",)))
on_error.may("a 304 ends it", put(*SIE), stands_in(), check304(HOUR), hit())
on_error.check(
    "in the request it means nothing", put(*stale()), changed(code=503, ask=("Cache-Control: stale-if-error=99",))
)
on_error.check("with a stored 404", put(*SIE, code=404), stands_in(code=503))

immutable = Section("8246-2", ROWS)
immutable.must("fresh is reused", put("Cache-Control: max-age=3600, immutable"), hit())
immutable.must("stale is not", put(*stale("immutable")), check304())
immutable.should(
    "a reload does not ask", put("Cache-Control: max-age=3600, immutable"), hit(ask=("Cache-Control: max-age=0",))
)

client = Section("9111-5.2.1", ROWS)
for said in ("no-cache", "max-age=0", "min-fresh=99999", "no-store"):
    client.check(f"{said} is not heeded by default", put(HOUR), hit(ask=(f"Cache-Control: {said}",)))
client.check("max-stale is not heeded by default", put(*stale()), check304(ask=("Cache-Control: max-stale=3600",)))
client.must("they reach the origin", put(ask=("Cache-Control: no-cache",), sent=("Cache-Control: no-cache",)))
client.must("unknown ones change nothing", put(HOUR), hit(ask=("Cache-Control: foo=bar",)))
only = Section("9111-5.2.1.7", ROWS)
ONLY = ("Cache-Control: only-if-cached",)
only.should("nothing stored: 504", hit(ask=ONLY, status=504), put())
only.should("fresh", put(HOUR), hit(ask=ONLY))
only.should("stale: 504", put(*stale()), hit(ask=ONLY, status=504))
only.should("another variant: 504", put(HOUR, "Vary: Foo"), hit(ask=(*ONLY, "Foo: 1"), status=504))
only.should("on a HEAD", put(HOUR), hit(ask=ONLY, method="HEAD"))

reuse = Section("9111-4", ROWS)
reuse.must("a hit is the whole of it", put(HOUR, "X-A: 1", says=b"whole"), hit(has=("X-A: 1", "Content-Length: 5")))
reuse.must("as often as asked for", put(HOUR), hit(), hit(), hit())
reuse.must("another response takes its place", put(*stale()), changed(HOUR), hit(of=1), hit(of=1))
reuse.must(
    "a response that may not be stored leaves nothing fresh",
    put(*stale()),
    changed("Cache-Control: no-store"),
    either(asked=1),
)
