"""What is under a prefix, and what only looks like it. The rest is shown over real sockets (test_admin_prefix)."""

import pytest

from proxy.edge.admin.passage import is_under


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/-/tambo", True),
        ("/-/tambo/", True),
        ("/-/tambo/admin/purge", True),
        ("/-/tambo//admin", True),
        ("/-/tamboo", False),
        ("/-/tambo%2Fadmin", False),
        ("/-/TAMBO/admin", False),
        ("/x/-/tambo/admin", False),
        ("/", False),
        ("*", False),
    ],
)
def test_is_under(path: str, expected: bool) -> None:
    assert is_under("/-/tambo", path) is expected
