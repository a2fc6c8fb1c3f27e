"""The map in parts against a dict."""

from hypothesis import given
from hypothesis import strategies as st

from proxy.store.shards import Shards


@given(st.lists(st.tuples(st.sampled_from(["set", "discard"]), st.integers(0, 40), st.integers())))
def test_it_is_a_dict(steps: list[tuple[str, int, int]]) -> None:
    model: dict[str, int] = {}
    shards: Shards[str, int] = Shards()
    for step, number, value in steps:
        key = str(number)
        if step == "set":
            model[key] = value
            shards.set(key, value)
        else:
            model.pop(key, None)
            shards.discard(key)
        assert (len(shards), shards.get(key), key in shards) == (len(model), model.get(key), key in model)


def test_no_part_grows_large() -> None:
    shards: Shards[str, int] = Shards()
    for number in range(100_000):
        shards.set(f"/item/{number}", number)
    assert len(shards) == 100_000
    assert max(map(len, shards._parts)) < 200
