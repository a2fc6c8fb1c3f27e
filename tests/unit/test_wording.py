"""The nearest known name to a wrong one."""

import pytest

from proxy.wording import hint, nearest


@pytest.mark.parametrize(
    ("word", "near"),
    [("upstreem", "upstream"), ("Upstream", "upstream"), ("idle-connections", "idle_connections"), ("zzz", None)],
)
def test_the_nearest_word(word: str, near: str | None) -> None:
    assert nearest(word, ["upstream", "store", "idle_connections"]) == near


def test_the_end_of_a_message() -> None:
    assert hint("ofline", ["normal", "offline"], "modes") == "; did you mean 'offline'?"
    assert hint("zzz", ["normal", "offline"], "modes") == "; the modes are normal, offline"
    assert hint("z" * 10**6, [f"n{number}" for number in range(50)], "names").count(",") == 19
