"""Who may use the admin listener."""

import pytest

from proxy.config.checks import is_loopback
from proxy.edge.admin.access import Gate

OPEN = Gate(None, on_loopback=True)
EXPOSED = Gate(None, on_loopback=False)
GUARDED = Gate("s3cret", on_loopback=False)


@pytest.mark.parametrize("path", ["/metrics", "/healthz", "/readyz", "/health"])
@pytest.mark.parametrize("gate", [OPEN, EXPOSED, GUARDED])
def test_health_and_metrics_need_no_token_anywhere(gate: Gate, path: str) -> None:
    assert gate.refusal(path, "proxy:8081", "https://evil.example", None) is None


@pytest.mark.parametrize("token", [None, "t"])
def test_on_the_public_port_the_gate_itself_opens_health_alone(token: str | None) -> None:
    gate = Gate(token, on_loopback=True, is_public=True)
    assert [gate.refusal(path, "api.example", None, None) for path in ("/healthz", "/readyz", "/health")] == [None] * 3
    for path in ("/metrics", "/", "/admin/stats"):
        refusal = gate.refusal(path, "localhost", None, None)
        assert refusal is not None
        assert (refusal.status, "ADMIN_TOKEN" in refusal.detail) == (403 if gate.token is None else 401, True)
        right = gate.refusal(path, "api.example", "https://api.example", "Bearer t")
        assert (right is None) == (gate.token is not None)


@pytest.mark.parametrize(
    ("gate", "host", "origin", "authorization", "status"),
    [
        pytest.param(OPEN, "localhost:8081", None, None, None, id="loopback without a token: open"),
        pytest.param(OPEN, "127.0.0.1:8081", None, None, None, id="by address"),
        pytest.param(OPEN, "[::1]:8081", None, None, None, id="by IPv6 address"),
        pytest.param(OPEN, "evil.example", None, None, 403, id="a foreign Host (DNS rebinding)"),
        pytest.param(OPEN, "localhost.evil.example", None, None, 403, id="a Host that only begins like ours"),
        pytest.param(OPEN, "", None, None, 403, id="no Host"),
        pytest.param(OPEN, "[::1", None, None, 403, id="a broken Host"),
        pytest.param(OPEN, "localhost", "https://evil.example", None, 403, id="a foreign Origin"),
        pytest.param(OPEN, "localhost", "null", None, 403, id="an opaque Origin"),
        pytest.param(OPEN, "localhost", "http://localhost:8081", None, None, id="our own Origin"),
        pytest.param(EXPOSED, "localhost", None, None, 403, id="elsewhere without a token"),
        pytest.param(GUARDED, "proxy:8081", None, None, 401, id="token missing"),
        pytest.param(GUARDED, "proxy:8081", None, "Bearer wrong", 401, id="token wrong"),
        pytest.param(GUARDED, "proxy:8081", None, "Basic s3cret", 401, id="another scheme"),
        pytest.param(GUARDED, "proxy:8081", None, "Bearer s3cret", None, id="token right"),
        pytest.param(GUARDED, "proxy:8081", None, "bearer s3cret", None, id="schemes have no case"),
        pytest.param(GUARDED, "proxy:8081", None, "Bearer \udce9", 401, id="bytes that are no text"),
    ],
)
def test_admin_paths(gate: Gate, host: str, origin: str | None, authorization: str | None, status: int | None) -> None:
    refusal = gate.refusal("/admin/purge", host, origin, authorization)
    assert (refusal and refusal.status) == status


def test_a_refusal_names_what_to_set() -> None:
    refusal = EXPOSED.refusal("/admin/purge", "x", None, None)
    assert refusal is not None
    assert "ADMIN_TOKEN" in refusal.detail


@pytest.mark.parametrize(
    ("host", "expected"),
    [("127.0.0.1", True), ("::1", True), ("localhost", True), ("0.0.0.0", False), ("::", False), ("proxy", False)],
)
def test_is_loopback(host: str, expected: bool) -> None:
    assert is_loopback(host) is expected
