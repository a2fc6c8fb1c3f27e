"""Durations, sizes and ratios: a table of what is accepted, and round trips."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.config.quantities import (
    MOST_BYTES,
    MOST_SECONDS,
    parse_duration,
    parse_ratio,
    parse_size,
    show_duration,
    show_size,
)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("7d", 604_800),
        ("12h30m", 45_000),
        ("1d2h3m4s5ms", 93_784.005),
        ("50ms", 0.05),
        ("1.5h", 5_400),
        ("2w", 1_209_600),
        ("1y", 31_536_000),
        ("604800", 604_800),
        (" 30s ", 30),
        (0, 0),
        ("0", 0),
        (90, 90),
        (0.25, 0.25),
    ],
)
def test_durations(text: object, seconds: float) -> None:
    assert parse_duration(text) == pytest.approx(seconds)


@pytest.mark.parametrize(
    "text",
    [
        *("", "d", "7 d", "-1s", "30m12h", "1h1h", "1x", "7D", "٣s", "1e3", "inf", "1..5s", "9" * 400, "101y"),
        *(-1, True, None, [], float("nan"), float("inf"), 10**400),
    ],
)
def test_what_is_no_duration(text: object) -> None:
    with pytest.raises(ValueError, match='a duration such as "30s"'):
        parse_duration(text)


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("64MiB", 64 * 1024**2),
        ("8MB", 8_000_000),
        ("1.5GiB", 3 * 1024**3 // 2),
        ("10kB", 10_000),
        ("2 KiB", 2_048),
        ("1tib", 1024**4),
        ("512", 512),
        ("512B", 512),
        (0, 0),
        (4096, 4096),
    ],
)
def test_sizes(text: object, size: int) -> None:
    assert parse_size(text) == size


@pytest.mark.parametrize("text", ["", "MiB", "64M", "64Mib/s", "-1", "0.3B", 1.5, True, None, float("nan"), "9999TiB"])
def test_what_is_no_size(text: object) -> None:
    with pytest.raises(ValueError, match='a size such as "64MiB"'):
        parse_size(text)


@pytest.mark.parametrize(("text", "ratio"), [(0.1, 0.1), ("10%", 0.1), ("0.1", 0.1), (0, 0), (1, 1), ("100 %", 1)])
def test_ratios(text: object, ratio: float) -> None:
    assert parse_ratio(text) == pytest.approx(ratio)


@pytest.mark.parametrize("text", [1.01, -0.1, "101%", "half", True, None, float("nan")])
def test_what_is_no_ratio(text: object) -> None:
    with pytest.raises(ValueError, match="a part of one"):
        parse_ratio(text)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0s"), (0.05, "50ms"), (90, "1m30s"), (604_800, "7d"), (31_536_000, "1y"), (1.5, "1s500ms")],
)
def test_durations_are_shown_short(seconds: float, text: str) -> None:
    assert show_duration(seconds) == text


@pytest.mark.parametrize(
    ("size", "text"), [(0, "0B"), (1, "1B"), (64 * 1024**2, "64MiB"), (8_000_000, "8MB"), (1_234, "1234B")]
)
def test_sizes_are_shown_short(size: int, text: str) -> None:
    assert show_size(size) == text


@given(st.integers(min_value=0, max_value=int(MOST_SECONDS * 1000)))
def test_a_shown_duration_parses_to_itself(milliseconds: int) -> None:
    shown = show_duration(milliseconds / 1000)
    assert round(parse_duration(shown) * 1000) == milliseconds
    assert show_duration(parse_duration(shown)) == shown


@given(st.integers(min_value=0, max_value=MOST_BYTES // 1024**3))
def test_a_shown_size_parses_to_itself(size: int) -> None:
    for factor in (1, 1000, 1024, 1024**2, 1024**3):
        assert parse_size(show_size(size * factor)) == size * factor


@given(st.text() | st.floats() | st.integers() | st.none() | st.booleans())
def test_parsers_raise_nothing_else(value: object) -> None:
    for parse, most in ((parse_duration, MOST_SECONDS), (parse_size, MOST_BYTES), (parse_ratio, 1)):
        try:
            assert 0 <= parse(value) <= most
        except ValueError:
            continue
