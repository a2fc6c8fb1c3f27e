"""Later values laid over earlier ones."""

import pytest

from proxy.config.tree import Array, Leaf, Table, graft, label, plain, planted


def _tree() -> Table:
    tree = planted({"a": {"b": 1}, "routes": [{"name": "my-ruc", "ttl": 1}, {"ttl": 2}]}, "file")
    assert isinstance(tree, Table)
    return tree


@pytest.mark.parametrize(
    ("path", "result"),
    [
        (["a", "b"], {"a": {"b": "new"}}),
        (["a", "c", "d"], {"a": {"b": 1, "c": {"d": "new"}}}),
        (["e"], {"a": {"b": 1}, "e": "new"}),
        (["routes", "MY_RUC", "ttl"], {"routes": [{"name": "my-ruc", "ttl": "new"}, {"ttl": 2}]}),
        (["routes", "1", "ttl"], {"routes": [{"name": "my-ruc", "ttl": 1}, {"ttl": "new"}]}),
    ],
)
def test_grafts(path: list[str], result: dict[str, object]) -> None:
    tree = _tree()
    assert graft(tree, path, Leaf("new", "VARIABLE")) is None
    grown = plain(tree)
    assert isinstance(grown, dict)
    assert grown | result == grown


@pytest.mark.parametrize(
    ("path", "problem"),
    [
        (["a", "b", "c"], "a.b was set as a whole by file"),
        (["routes", "2", "ttl"], "there is no routes.2 to change"),
        (["routes", "other", "ttl"], "there is no routes.other to change"),
        (["routes", "²", "ttl"], "there is no routes.² to change"),
        (["a", "b", "c", "d"], "there is no a.b.c to change"),
    ],
)
def test_what_cannot_be_grafted(path: list[str], problem: str) -> None:
    assert graft(_tree(), path, Leaf("new", "VARIABLE")) == problem


def test_items_are_called_by_their_names() -> None:
    routes = _tree().entries["routes"]
    assert isinstance(routes, Array)
    assert [label(item, place) for place, item in enumerate(routes.items)] == ["my-ruc", "1"]
