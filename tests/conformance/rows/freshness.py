"""RFC 9111 §4.2: how long a response is fresh, and how old it is."""

from tests.conformance.scenario import Row, Section, changed, hit, miss, put, wire

ROWS: list[Row] = []
HOUR = "Cache-Control: max-age=3600"
FAR = "Tue, 01 Jan 2047 00:00:00 GMT"

lifetime = Section("9111-4.2.1", ROWS)
lifetime.must("max-age keeps it fresh", put(HOUR), hit())
lifetime.must("max-age that has passed", put("Cache-Control: max-age=60", "Age: 120"), miss())
lifetime.must("max-age of 0", put("Cache-Control: max-age=0"), miss())
lifetime.must("s-maxage before a shorter max-age", put("Cache-Control: max-age=1, s-maxage=3600", "Age: 60"), hit())
lifetime.must("s-maxage before a longer max-age", put("Cache-Control: max-age=3600, s-maxage=1", "Age: 60"), miss())
lifetime.must("s-maxage alone", put("Cache-Control: s-maxage=3600"), hit())
lifetime.must("s-maxage before Expires", put("Cache-Control: s-maxage=3600", "Expires: {now-60}"), hit())
lifetime.must("s-maxage of 0 before max-age", put("Cache-Control: s-maxage=0, max-age=3600"), miss())
lifetime.must("max-age before an Expires that has passed", put(HOUR, "Expires: {now-60}"), hit())
lifetime.must("max-age before a later Expires", put("Cache-Control: max-age=0", "Expires: {now+3600}"), miss())
lifetime.must("Expires in the future", put("Expires: {now+3600}"), hit())
lifetime.must("Expires in the past", put("Expires: {now-3600}"), miss())
lifetime.must("Expires that is Date", put("Expires: {now}", "Date: {now}"), miss())
lifetime.must("Expires is counted from Date", put("Date: {now+3600}", "Expires: {now+1800}"), miss())
lifetime.must("Expires from a clock that is ahead", put("Date: {now+7200}", "Expires: {now+10800}"), hit())
lifetime.must(
    "Expires without Date is counted from its arrival",
    put(reply=wire("HTTP/1.1 200 OK\r\nExpires: {now+3600}\r\nContent-Length: 1\r\n\r\na")),
    hit(body=b"a"),
)
lifetime.must(
    "Expires beside a Cache-Control without lifetime", put("Cache-Control: public", "Expires: {now+60}"), hit()
)
lifetime.should("two Expires, the first passed", put("Expires: {now-60}", "Expires: {now+3600}"), miss())
lifetime.check("two Expires, the second passed", put("Expires: {now+3600}", "Expires: {now-60}"), miss())
lifetime.should("two max-age, the first 0", put("Cache-Control: max-age=0, max-age=3600"), miss())
lifetime.check("two max-age, the second 0: the stricter holds", put("Cache-Control: max-age=3600, max-age=0"), miss())
lifetime.check("two max-age on two lines", put("Cache-Control: max-age=3600", "Cache-Control: max-age=0"), miss())
for text in ("abc", "", "-3600", "3600.5", "3600s", "+3600", "'3600'", "3 600", "0x10", "1e9"):
    lifetime.should(f"max-age={text} is stale", put(f"Cache-Control: max-age={text}"), miss())
lifetime.should("s-maxage=abc is stale", put("Cache-Control: max-age=3600, s-maxage=abc"), miss())
lifetime.should("max-age without argument is stale", put("Cache-Control: max-age"), miss())
lifetime.should("max-age with blanks before the sign is stale", put("Cache-Control: max-age =3600"), miss())
lifetime.should("max-age with blanks behind the sign is stale", put("Cache-Control: max-age= 3600"), miss())

syntax = Section("9111-5.2", ROWS)
syntax.should("a quoted argument is heard", put('Cache-Control: max-age="3600"'), hit())
syntax.should("a quoted s-maxage is heard", put('Cache-Control: max-age=0, s-maxage="3600"'), hit())
syntax.must("names without regard to case", put("Cache-Control: MaX-aGe=3600"), hit())
syntax.must("the field's name without regard to case", put("cACHE-cONTROL: max-age=3600"), hit())
syntax.must("unknown directives are ignored", put("Cache-Control: foo, max-age=3600, bar=baz"), hit())
syntax.must(
    "a directive inside another's quotes is none", put('Cache-Control: foo="max-age=0, no-store", max-age=3600'), hit()
)
syntax.must("a directive inside quotes does not make fresh", put('Cache-Control: foo="max-age=3600"'), miss())
syntax.must("escaped quotes do not end them", put(r'Cache-Control: foo="a\", no-store", max-age=3600'), hit())
syntax.must("a name that only begins like one", put("Cache-Control: max-agee=3600"), miss())
syntax.must("empty members are skipped", put("Cache-Control: , ,max-age=3600, ,"), hit())
syntax.must("lines are joined", put("Cache-Control: public", HOUR), hit())
syntax.must("no blanks between members", put("Cache-Control: public,max-age=3600"), hit())
syntax.must("tabs are blanks", put("Cache-Control: \tpublic\t,\tmax-age=3600"), hit())
syntax.check("no-store with an argument is heard", put("Cache-Control: max-age=3600, no-store=yes"), miss())

delta = Section("9111-1.2.2", ROWS)
for number in (2**31 - 1, 2**31, 2**32 + 60, 10**20):
    delta.must(f"max-age={number}", put(f"Cache-Control: max-age={number}"), hit())
delta.must("leading zeros", put("Cache-Control: max-age=0003600"), hit())
delta.must("an Age that is too large saturates", put(HOUR, f"Age: {10**20}"), miss())

age = Section("9111-4.2.3", ROWS)
age.must("Age counts", put("Cache-Control: max-age=3600", "Age: 3600"), miss())
age.must("Age below the lifetime", put(HOUR, "Age: 3500"), hit(has=("Age: ~^35\\d\\d$",)))
age.must("the age by Date", put(HOUR, "Date: {now-7200}"), miss())
age.must("the age by Date is shown", put(HOUR, "Date: {now-1800}"), hit(has=("Age: ~^18\\d\\d$",)))
age.must("the older of Age and Date: Date", put(HOUR, "Date: {now-1800}", "Age: 10"), hit(has=("Age: ~^18\\d\\d$",)))
age.must("the older of Age and Date: Age", put(HOUR, "Date: {now-10}", "Age: 1800"), hit(has=("Age: ~^18\\d\\d$",)))
age.must("a Date in the future is no age", put(HOUR, "Date: {now+7200}"), hit(has=("Age: ~^\\d$",)))
age.must("Age counts against Expires", put("Expires: {now+3600}", "Age: 7200"), miss())
age.must("Age counts against s-maxage", put("Cache-Control: s-maxage=3600", "Age: 7200"), miss())
age.check("a Date that is none is now", put(HOUR, "Date: yesterday"), hit())

field = Section("9111-5.1", ROWS)
field.must("a hit has Age", put(HOUR), hit(has=("Age: ~^\\d$",)))
field.must("an answer fetched for this request has none", put(HOUR, lacks=("Age",)))
field.must("the Age of another cache is passed on", put(HOUR, "Age: 30", has=("Age: ~^3\\d$",)))
field.should("of several members the first", put(HOUR, "Age: 0, 7200"), hit())
field.should("of several lines the first", put(HOUR, "Age: 7200", "Age: 0"), miss())
for text in ("abc", "-7200", "7200.5", "7200s", '"7200"', "7200;a=b", ""):
    field.should(f"Age: {text} is ignored", put(HOUR, f"Age: {text}"), hit())
field.should("the first member that is none is ignored with the rest", put(HOUR, "Age: x, 7200"), hit())

dates = Section("9111-4.2", ROWS)
dates.must("Expires as RFC 850 wrote it", put("Expires: {rfc850:now+3600}"), hit())
dates.must("Expires as asctime wrote it", put("Expires: {asctime:now+3600}"), hit())
dates.must("an RFC 850 date in the past", put("Expires: {rfc850:now-3600}"), miss())
dates.must("an asctime date in the past", put("Expires: {asctime:now-3600}"), miss())
dates.must("Date as RFC 850 wrote it", put(HOUR, "Date: {rfc850:now-7200}"), miss())
dates.must("Date as asctime wrote it", put(HOUR, "Date: {asctime:now-7200}"), miss())
dates.must("a two-digit year far ahead is past", put("Expires: Friday, 01-Jan-99 00:00:00 GMT"), miss())
dates.must("a two-digit year near ahead", put("Expires: Tuesday, 01-Jan-47 00:00:00 GMT"), hit())
dates.should("in lower case", put(f"Expires: {FAR.lower()}"), hit())
dates.should("in upper case", put(f"Expires: {FAR.upper()}"), hit())
for zone in ("UTC", "EST", "+0000", "Z", "CEST"):
    dates.should(f"the zone {zone} is invalid", put(f"Expires: {FAR.replace('GMT', zone)}"), miss())
for name, text in {
    "0": "0",
    "-1": "-1",
    "nothing": "",
    "a number": "2429999999",
    "ISO 8601": "2047-01-01T00:00:00Z",
    "without zone": "Tue, 01 Jan 2047 00:00:00",
    "without day": "01 Jan 2047 00:00:00 GMT",
    "one digit": "Tue, 1 Jan 2047 00:00:00 GMT",
    "two blanks": "Tue, 01  Jan 2047 00:00:00 GMT",
    "dashes": "Tue, 01-Jan-2047 00:00:00 GMT",
    "no comma": "Tue 01 Jan 2047 00:00:00 GMT",
    "13th month": "Tue, 01 Foo 2047 00:00:00 GMT",
    "32nd day": "Tue, 32 Jan 2047 00:00:00 GMT",
    "25th hour": "Tue, 01 Jan 2047 25:00:00 GMT",
    "dots": "Tue, 01 Jan 2047 00.00.00 GMT",
    "two-digit year": "Tue, 01 Jan 47 00:00:00 GMT",
}.items():
    Section("9111-5.3", ROWS).must(f"Expires that is no date is past: {name}", put(f"Expires: {text}"), miss())

heuristic = Section("9111-4.2.2", ROWS)
OLD = "Last-Modified: {now-864000}"
heuristic.may("a tenth of the time since it was modified", put(OLD), hit())
heuristic.may("older than a tenth", put("Last-Modified: {now-1000}", "Age: 500"), changed())
for status in (203, 204, 300, 301, 308, 404, 405, 410, 414, 501):
    heuristic.may(f"{status} by heuristic", put(OLD, code=status), hit())
for status in (201, 202, 302, 303, 307, 400, 403, 429, 500, 502, 503, 599):
    heuristic.must(f"{status} not by heuristic", put(OLD, code=status), put())
for status in (201, 302, 403, 503, 599):
    heuristic.may(f"{status} by heuristic where it is public", put(OLD, "Cache-Control: public", code=status), hit())
heuristic.must("not where max-age is 0", put(OLD, "Cache-Control: max-age=0"), changed())
heuristic.must("not where Expires has passed", put(OLD, "Expires: {now-60}"), changed())
heuristic.must("not where Expires is no date", put(OLD, "Expires: 0"), changed())
heuristic.must("not where max-age is no number", put(OLD, "Cache-Control: max-age=abc"), changed())
heuristic.must("not where no-cache is said", put(OLD, "Cache-Control: no-cache"), changed())
heuristic.must("not where no-store is said", put(OLD, "Cache-Control: no-store"), miss())
heuristic.check("not without Last-Modified", put(), miss())
heuristic.check("not where a cookie is set", put(OLD, "Set-Cookie: a=1"), miss())
heuristic.should("not where Last-Modified is no date", put("Last-Modified: long ago"), put())
