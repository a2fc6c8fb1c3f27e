"""Which header sections are plain, and what is read of them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.edge.server.header_block import (
    HAS_COOKIE,
    HAS_DIRECTIVES,
    IS_CONDITIONAL,
    MOST_BYTES,
    MOST_LINES,
    Block,
    HeaderBlocks,
    Mould,
)


def section(*lines: str) -> bytes:
    """Lines as they stand between a request line and the body."""
    return b"".join(b"\r\n" + line.encode("latin-1") for line in lines) + b"\r\n\r\n"


@pytest.mark.parametrize(
    "line",
    [
        "Accept: */*",
        "Connection: keep-alive",
        "proxy-connection: Keep-Alive",
        "X-Request-Id:abc",
        "Empty:",
        "Tabs:\ta\tb\t",
        "Cookie: a=1; b=2",
        "Cache-Control: no-cache",
        'If-None-Match: "a"',
        "User-Agent: Mozilla/5.0 (X11; Linux x86_64)",
    ],
)
def test_plain(line: str) -> None:
    block = HeaderBlocks().read(section("Host: x", line))
    assert isinstance(block, Block)
    name, _, value = line.partition(":")
    assert block.fields.lines == (("Host", "x"), (name, value.strip(" \t")))
    assert bool(block.traits & HAS_COOKIE) == (name == "Cookie")
    assert bool(block.traits & HAS_DIRECTIVES) == (name == "Cache-Control")
    assert bool(block.traits & IS_CONDITIONAL) == (name == "If-None-Match")


@pytest.mark.parametrize(
    "line",
    [
        *("Authorization: Basic eA==", "Range: bytes=0-1", 'If-Range: "a"', 'If-Match: "a"'),
        *("If-Unmodified-Since: x", "Expect: 100-continue", "Upgrade: websocket", "TE: trailers", "Trailer: a"),
        *("Transfer-Encoding: chunked", "Content-Length: 0", "Content-Encoding: gzip", "HTTP2-Settings: x"),
        *("Content-Location: /", "Content-Range: x", "Content-Type: a/b", "ETag: x", "Max-Forwards: 1", "Server: x"),
        *("Connection: close", "Connection: keep-alive, x", "Proxy-Connection: close", "Sec-WebSocket-Key1: x"),
        *("Host: y", "No-Colon", "Space : x", " folded: x", "\tfolded", ": nameless", "Näme: x"),
        *("Ctl: a\x01b", "Nul: \0", "Bare: a\nb", "Bare: a\rb", "High: \xe9", "Del: \x7f", "Long" * 20 + ": x"),
    ],
)
def test_not_plain(line: str) -> None:
    blocks = HeaderBlocks()
    assert blocks.read(section("Host: x", line)) is None
    assert blocks.read(section("Host: x", line)) is None, "nor when it comes again"
    assert blocks.read(section("Host: x", line.upper())) is None


def test_one_host_and_one_agent_at_most() -> None:
    blocks = HeaderBlocks()
    assert blocks.read(section()) is None
    assert blocks.read(section("Accept: a")) is None
    assert blocks.read(section("Host: x", "host: x")) is None
    assert blocks.read(section("Host: x", "User-Agent: a", "User-Agent: a")) is None


def test_a_section_has_bounds() -> None:
    blocks = HeaderBlocks()
    assert blocks.read(section("Host: x", *["A: b"] * MOST_LINES)) is None
    assert blocks.read(section("Host: x", "A: " + "b" * MOST_BYTES)) is None


@pytest.mark.parametrize("host", ["", "a b", "x,y", "[::1", "x:99999", "user@x", "x/y"])
def test_a_host_that_is_none_is_not_plain(host: str) -> None:
    assert HeaderBlocks().read(section(f"Host: {host}")) is None


def test_what_is_short_and_came_before_may_be_remembered_by_who_says_it() -> None:
    blocks = HeaderBlocks()
    for raw, stays in (
        (section("Host: x"), True),
        (section("Host: x", *[f"a{n}: {'a' * 500}" for n in range(5)]), False),
    ):
        said = [blocks.read(raw) for _ in range(3)]
        assert [each is not None and each.stays for each in said] == [False, stays, stays]


@pytest.mark.parametrize(("size", "stays"), [(10, True), (3_000, False)])
def test_a_long_mould_is_not_remembered(size: int, *, stays: bool) -> None:
    blocks = HeaderBlocks()
    said = [blocks.read(section("Host: x", f"Cookie: {number:0{size}}")) for number in range(300)]
    assert isinstance(said[-1], Mould)
    assert said[-1].stays is stays


def test_a_section_that_comes_again_is_known_unless_a_line_is_always_new() -> None:
    blocks = HeaderBlocks()
    raw = section("Host: x", "Accept: a")
    blocks.read(raw)  # its lines are new
    first = blocks.read(raw)
    assert blocks.read(raw) is first
    for number in range(50):
        assert blocks.read(section("Host: x", f"Cookie: {number}")) is not None
    assert len(blocks.known) == 1


@given(lines=st.lists(st.text(st.characters(max_codepoint=255), max_size=12), max_size=4))
def test_whatever_comes_is_read_or_refused(lines: list[str]) -> None:
    block = HeaderBlocks().read(section("Host: x", *lines))
    if isinstance(block, Block):
        assert [f"{name}:{value}" for name, value in block.fields.lines[1:]] == [
            ":".join(part.strip(" \t") if at else part for at, part in enumerate(line.split(":", 1))) for line in lines
        ]


def test_fields_that_are_always_new_are_learnt_and_the_rest_is_known() -> None:
    blocks = HeaderBlocks()
    for number in range(300):
        raw = section("Host: x", f"X-Request-Id: {number}", "Accept: a", f"Cookie: c={number}", "Accept-Language: es")
        said = blocks.read(raw)
        assert said is not None
        block = said.whole(raw)
        assert block.traits == said.traits
        assert block.traits & HAS_COOKIE
        assert not block.traits & IS_CONDITIONAL
        assert block.fields.lines == (
            ("Host", "x"),
            ("X-Request-Id", str(number)),
            ("Accept", "a"),
            ("Cookie", f"c={number}"),
            ("Accept-Language", "es"),
        )
    assert len(blocks._lines) < 2 * 300, "they are not remembered one by one any more"
    for line in ("Cookie: \x01", "Cookie: \xe9", "Range: bytes=0-1", "Cookie: a\nb"):
        assert blocks.read(section("Host: x", line)) is None
    assert blocks.read(section("Cookie: a")) is None, "no Host"
    assert isinstance(blocks.read(section("Host: x", "Cookie: a", "Cookie: b")), Mould)
    assert blocks.read(section("Host: x", "Cookie: " + "a" * MOST_BYTES)) is None
    assert blocks.read(section("Host: x", "Cookie: a") + b"x") is None
    assert blocks.read(section("Host: x", "Cookie: a") + section("Host: x")) is None


def test_what_decides_is_never_learnt_as_changing() -> None:
    blocks = HeaderBlocks()
    for number in range(300):
        assert blocks.read(section("Host: x", f'If-None-Match: "{number}"')) is not None
        assert blocks.read(section("Host: x", f"Range: bytes={number}-")) is None
        assert blocks.read(section(f"Host: x{number}")) is not None
    assert not blocks._changing


def test_few_fields_are_learnt_and_the_newest_stay() -> None:
    blocks = HeaderBlocks()
    for name in ("a", "b", "c", "d", "e", "f"):
        for number in range(200):
            assert blocks.read(section("Host: x", f"{name}: {number}")) is not None
    assert list(blocks._changing) == [b"\r\n%b:" % name for name in (b"c", b"d", b"e", b"f")]


def moulds() -> tuple[Mould, ...]:
    """What is made of sections in which one line, and two lines, keep being new."""
    blocks = HeaderBlocks()
    for number in range(300):
        blocks.read(section("Host: x", f"Cookie: {number}", f"X-Request-Id: {number}"))
    one = blocks.read(section("Host: x", "Accept: a", "Cookie: a", "Accept-Language: es"))
    two = blocks.read(section("Cookie: a", "Accept: a", "Host: x", "Cache-Control: no-cache", "X-Request-Id: a"))
    assert isinstance(one, Mould)
    assert isinstance(two, Mould)
    return one, two


ONE, TWO = moulds()
VALUES = st.text('a=1; \t-"', max_size=9)


@given(VALUES, VALUES)
def test_a_mould_makes_whatever_differs_in_nothing_but_its_values(cookie: str, name: str) -> None:
    assert ONE.fits(section("Host: x", "Accept: a", f"Cookie:{cookie}", "Accept-Language: es"))
    lines = f"Cookie:{cookie}", "Accept: a", "Host: x", "Cache-Control: no-cache", f"X-Request-Id:{name}"
    raw = section(*lines)
    assert TWO.fits(raw)
    assert TWO.whole(raw).fields.lines[0] == ("Cookie", cookie.strip(" \t"))


@given(
    st.sampled_from([ONE, TWO]),
    st.lists(st.tuples(st.integers(0, 200), st.integers(0, 9), st.binary(max_size=9)), min_size=1, max_size=3),
)
def test_what_a_mould_makes_would_be_read_alike(mould: Mould, edits: list[tuple[int, int, bytes]]) -> None:
    raw = mould.before + b"a".join(mould.pieces)
    for at, less, more in edits:
        raw = raw[:at] + more + raw[at + less :]
    if mould.fits(raw):
        read = HeaderBlocks().read(raw)
        assert read is not None
        assert read.traits == mould.traits


@pytest.mark.parametrize(
    "raw",
    [
        section("Host: x", "Accept: a", "Accept-Language: es"),
        section("Host: x", "Accept: a", "Cookie: a", "Accept-Language: es", "Range: bytes=0-1"),
        section("Host: x", "Accept: a", "Cookie: a", "Range: bytes=0-1", "Accept-Language: es"),
        section("Host: x", "Accept: a", "Cookie: a\x00", "Accept-Language: es"),
        section("Host: x", "Accept: a", "Cookie: a\nb", "Accept-Language: es"),
        section("Host: x", "Accept: a", "Cookie: a\rb", "Accept-Language: es"),
        section("Host: x", "Accept: a", "Cookie: \xe9", "Accept-Language: es"),
        section("Host: x", "Accept: a", "Cookie: " + "a" * MOST_BYTES, "Accept-Language: es"),
        section("Host: x", "Accept: a", "Cookie: a", "Accept-Language: es") + b"x",
        section("Host: x", "Accept: a", "Cookie: a", "Accept-Language: es")[:-2],
        b"",
        b"x",
    ],
)
def test_a_mould_makes_nothing_else(raw: bytes) -> None:
    assert not ONE.fits(raw)
