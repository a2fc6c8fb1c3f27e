"""What equal values share, and that sharing changes nothing."""

from proxy.policy.interned import kept, windows, word
from proxy.policy.messages import Windows


def copied(text: str) -> str:
    return text.encode().decode()


def test_equal_lines_are_one_object() -> None:
    one, other = (kept([(copied("Content-Type"), copied("application/json")), ("ETag", tag)]) for tag in ("a", "b"))
    assert one.lines[0] is other.lines[0]
    assert one.lines[1] != other.lines[1]
    assert one.lines == (("Content-Type", "application/json"), ("ETag", "a"))


def test_names_keep_their_spelling() -> None:
    assert kept([("content-type", "a")]).lines != kept([("Content-Type", "a")]).lines


def test_what_is_long_is_nobody_elses() -> None:
    long = "x" * 1000
    assert kept([("A", long)]).lines[0][1] is long
    assert word(long) is long


def test_words_and_windows() -> None:
    assert word(copied("Not Found")) is word(copied("Not Found"))
    assert windows(Windows(1.0, 2.0)) is windows(Windows(1.0, 2.0))
    assert windows(Windows(1.0, 2.0)) != windows(Windows(2.0, 1.0))
