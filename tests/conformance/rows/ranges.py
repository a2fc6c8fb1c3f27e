"""RFC 9110 §14 and §13.1.5, RFC 9111 §3.3 and §3.4: parts of responses."""

from tests.conformance.scenario import Row, Section, Step, either, hit, miss, put

ROWS: list[Row] = []
HOUR = "Cache-Control: max-age=3600"
TAG, WEAK = 'ETag: "a"', 'ETag: W/"a"'
TEN = b"0123456789"


def whole(*fields: str) -> Step:
    """Ten bytes, stored."""
    return put(HOUR, *fields, says=TEN)


part = Section("9110-14.2", ROWS)
for text, content, where in (
    ("0-3", b"0123", "0-3"),
    ("4-", b"456789", "4-9"),
    ("-3", b"789", "7-9"),
    ("9-9", b"9", "9-9"),
    ("0-0", b"0", "0-0"),
    ("5-99", b"56789", "5-9"),
    ("-99", TEN, "0-9"),
    ("0-9", TEN, "0-9"),
):
    has = (f"Content-Range: bytes {where}/10", f"Content-Length: {len(content)}")
    part.may(
        f"bytes={text} of what is stored",
        whole(),
        hit(ask=(f"Range: bytes={text}",), status=206, body=content, has=has),
    )
part.may("case of the unit", whole(), hit(ask=("Range: BYTES=0-3",), status=206, body=b"0123"))
part.must(
    "the fields of the whole",
    whole(TAG, "X-A: 1"),
    hit(ask=("Range: bytes=0-3",), status=206, body=b"0123", has=(TAG, "X-A: 1", HOUR, "Date", "Age")),
)
part.must("the whole is still there", whole(), hit(ask=("Range: bytes=0-3",), status=206, body=b"0123"), hit())
part.must("another unit is ignored", whole(), hit(ask=("Range: lines=0-3",)))
for text in ("bytes", "bytes=", "bytes=a-b", "bytes=3-1", "bytes=-", "bytes 0-3", "bytes=0-3-5", "bytes=--3"):
    part.must(f"{text} is ignored", whole(), hit(ask=(f"Range: {text}",)))
part.must(
    "on a HEAD it is ignored", whole(), hit(method="HEAD", ask=("Range: bytes=0-3",), has=("Content-Length: 10",))
)
part.must("a stored 404 is sent whole", put(HOUR, code=404, says=TEN), hit(ask=("Range: bytes=0-3",)))
part.should(
    "nothing to send: 416",
    whole(),
    hit(ask=("Range: bytes=10-20",), status=416, has=("Content-Range: bytes */10",)),
)
part.should("a suffix of 0: 416, or the whole", whole(), hit(ask=("Range: bytes=-0",), status=(200, 416)))
part.must("several: parts, or the whole", whole(), hit(ask=("Range: bytes=0-1,4-5",), status=(200, 206)))
part.must(
    "many overlapping ones are not all sent",
    whole(),
    hit(ask=("Range: bytes=" + ",".join(["0-9"] * 50),), body=TEN, status=(200, 206)),
)
part.must("nothing stored: the part", either(HOUR, TAG, says=TEN, ask=("Range: bytes=0-3",), status=(200, 206)))
part.must(
    "a POST's Range is passed on",
    put(method="POST", content=b"x", ask=("Range: bytes=0-3",), sent=("Range: bytes=0-3",)),
)

precondition = Section("9110-13.2.2", ROWS)
precondition.must(
    "If-None-Match before Range", whole(TAG), hit(ask=("Range: bytes=0-3", 'If-None-Match: "a"'), status=304)
)
precondition.must(
    "If-None-Match that differs, then Range",
    whole(TAG),
    hit(ask=("Range: bytes=0-3", 'If-None-Match: "b"'), status=206, body=b"0123"),
)

if_range = Section("9110-13.1.5", ROWS)
SINCE = "Last-Modified: {now-864000}"
if_range.may(
    "the same strong entity-tag: the part",
    whole(TAG),
    hit(ask=("Range: bytes=0-3", 'If-Range: "a"'), status=206, body=b"0123"),
)
if_range.must("another entity-tag: the whole", whole(TAG), hit(ask=("Range: bytes=0-3", 'If-Range: "b"')))
if_range.must("a weak entity-tag: the whole", whole(WEAK), hit(ask=("Range: bytes=0-3", 'If-Range: W/"a"')))
if_range.must("weak against strong: the whole", whole(TAG), hit(ask=("Range: bytes=0-3", 'If-Range: W/"a"')))
if_range.may(
    "the same date: the part",
    whole(SINCE),
    hit(ask=("Range: bytes=0-3", "If-Range: {now-864000}"), status=206, body=b"0123"),
)
if_range.must("a later date: the whole", whole(SINCE), hit(ask=("Range: bytes=0-3", "If-Range: {now}")))
if_range.must("an earlier date: the whole", whole(SINCE), hit(ask=("Range: bytes=0-3", "If-Range: {now-864001}")))
if_range.must(
    "a date that is not strong: the whole",
    whole("Last-Modified: {now}", "Date: {now}"),
    hit(ask=("Range: bytes=0-3", "If-Range: {now}")),
)
if_range.must("without Range it means nothing", whole(TAG), hit(ask=('If-Range: "b"',)))
if_range.must("neither tag nor date: the whole", whole(TAG), hit(ask=("Range: bytes=0-3", "If-Range: a")))

partial = Section("9111-3.3", ROWS)
FIRST = ("Range: bytes=0-3",)
SOME = (HOUR, TAG, "Content-Range: bytes 0-3/10")
partial.must(
    "a part does not answer for the whole",
    either(*SOME, code=206, says=b"0123", ask=FIRST, status=206),
    either(HOUR, TAG, says=TEN, asked=1, body=None, status=200),
)
partial.must(
    "a part does not answer another range",
    either(*SOME, code=206, says=b"0123", ask=FIRST, status=206),
    either(
        HOUR, TAG, "Content-Range: bytes 5-7/10", code=206, says=b"567", ask=("Range: bytes=5-7",), status=206, asked=1
    ),
)
partial.must(
    "an odd unit is not stored",
    either(HOUR, TAG, "Content-Range: lines 0-3/10", code=206, says=b"0123", ask=("Range: lines=0-3",), status=206),
    either(HOUR, says=TEN, asked=1),
)
partial.must(
    "a 206 that nobody asked for is not the whole",
    either(*SOME, code=206, says=b"0123", status=(206, 502)),
    either(HOUR, says=TEN, asked=1, status=200),
)
partial.may(
    "a part answers the same range",
    put(*SOME, code=206, says=b"0123", ask=FIRST),
    hit(ask=FIRST, status=206, body=b"0123"),
)
partial.may(
    "a part answers a range inside it",
    put(*SOME, code=206, says=b"0123", ask=FIRST),
    hit(ask=("Range: bytes=1-2",), status=206, body=b"12"),
)

for name, lines in {"none": (), "a weak one": (WEAK,), "a date": ("Last-Modified: {now-9999}",)}.items():
    partial.may(
        f"a part answers the same range, whatever validator it has: {name}",
        put(HOUR, *lines, "Content-Range: bytes 0-3/10", code=206, says=b"0123", ask=FIRST),
        hit(ask=FIRST, status=206, body=b"0123"),
        hit(ask=("Range: bytes=1-2",), status=206, body=b"12"),
    )
partial.may(
    "a suffix",
    put(HOUR, TAG, "Content-Range: bytes 7-9/10", code=206, says=b"789", ask=("Range: bytes=-3",)),
    hit(ask=("Range: bytes=-3",), status=206, body=b"789"),
    hit(ask=("Range: bytes=-1",), status=206, body=b"9"),
    hit(ask=("Range: bytes=8-",), status=206, body=b"89"),
)
partial.must(
    "without explicit freshness it answers nothing",
    put(TAG, "Content-Range: bytes 0-3/10", code=206, says=b"0123", ask=FIRST),
    put(TAG, "Content-Range: bytes 0-3/10", code=206, says=b"0123", ask=FIRST),
)

combine = Section("9111-3.4", ROWS)
REST = ("Range: bytes=4-9",)
combine.may(
    "parts with one strong entity-tag make the whole",
    put(*SOME, code=206, says=b"0123", ask=FIRST),
    put(HOUR, TAG, "Content-Range: bytes 4-9/10", code=206, says=b"456789", ask=REST),
    hit(status=200, body=TEN),
)
combine.must(
    "parts with another entity-tag do not",
    either(*SOME, code=206, says=b"0123", ask=FIRST),
    either(HOUR, 'ETag: "b"', "Content-Range: bytes 4-9/10", code=206, says=b"456789", ask=REST),
    either(HOUR, says=b"abcdefghij", status=200, asked=1),
)
combine.must(
    "parts with a weak entity-tag do not",
    either(HOUR, WEAK, "Content-Range: bytes 0-3/10", code=206, says=b"0123", ask=FIRST),
    either(HOUR, WEAK, "Content-Range: bytes 4-9/10", code=206, says=b"456789", ask=REST),
    either(HOUR, says=b"abcdefghij", status=200, asked=1),
)
combine.must(
    "parts without validator do not",
    either(HOUR, "Content-Range: bytes 0-3/10", code=206, says=b"0123", ask=FIRST),
    either(HOUR, "Content-Range: bytes 4-9/10", code=206, says=b"456789", ask=REST),
    either(HOUR, says=b"abcdefghij", status=200, asked=1),
)
for place, had, rest, asks in (
    ("behind", (0, 3), (4, 9), "Range: bytes=4-"),
    ("before", (4, 9), (0, 3), "Range: bytes=0-3"),
):
    one, other = (f"bytes {first}-{last}" for first, last in (had, rest))
    begun = put(
        *(HOUR, TAG, f"Content-Range: {one}/10"),
        code=206,
        says=TEN[had[0] : had[1] + 1],
        ask=(f"Range: {one.replace(' ', '=')}",),
    )
    says, named = TEN[rest[0] : rest[1] + 1], f"Content-Range: {other}/10"
    partial.may(
        f"the whole, where a part is stored: what is {place} it is asked for",
        begun,
        put(HOUR, TAG, named, code=206, says=says, status=200, body=TEN, sent=(asks, 'If-Range: "a"')),
        hit(status=200, body=TEN, lacks=("Content-Range",)),
    )
    partial.must(
        f"a new whole takes the place of a part of the old: {place}",
        begun,
        put(HOUR, 'ETag: "b"', says=b"new", sent=(asks,)),
        hit(of=1),
    )
    partial.must(
        f"a rest of another version is not taken: {place}",
        begun,
        either(HOUR, 'ETag: "b"', named, code=206, says=says, asked=2, status=(206, 502)),
        either(HOUR, says=b"new", asked=1, status=200),
    )
    partial.must(f"an error instead of the rest is passed on: {place}", begun, put(code=404, sent=(asks,)))
combine.may(
    "the whole takes the place of parts",
    put(*SOME, code=206, says=b"0123", ask=FIRST),
    miss(HOUR, TAG, says=TEN),
    hit(of=1),
    hit(ask=REST, status=206, body=b"456789"),
)
