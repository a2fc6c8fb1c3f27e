"""Starting: what is wrong with the environment or the machine is one line and exit code 2."""

import pytest

from scraper_backend.__main__ import main


def start(monkeypatch: pytest.MonkeyPatch, **environment: str) -> int:
    """Start with exactly this environment."""
    for name in ("PORT", "HOST", "SUNAT_URL", "SCRAPER_ENGINE"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    return main()


@pytest.mark.parametrize(
    ("environment", "said"),
    [
        ({"PORT": "x"}, "PORT='x': must be a whole number from 0 to 65535"),
        ({"SCRAPER_ENGINE": "curl"}, "SCRAPER_ENGINE='curl': must be one of selenium, http"),
        ({"SCRAPER_COLOUR": "1"}, "SCRAPER_COLOUR: no such setting"),
        ({"SCRAPER_CHROMIUM": "/nowhere/chromium"}, "SCRAPER_CHROMIUM='/nowhere/chromium': must be an executable file"),
        (
            {"PATH": "/nowhere"},
            "SCRAPER_ENGINE='selenium': chromium not found: install the package chromium, or set SCRAPER_ENGINE=http",
        ),
    ],
)
def test_what_is_wrong_is_one_line(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    environment: dict[str, str],
    said: str,
) -> None:
    assert start(monkeypatch, **environment) == 2
    assert capsys.readouterr().err == f"scraper_backend: {said}\n"


def test_a_port_that_is_taken(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], unused_tcp_port: int
) -> None:
    import socket  # noqa: PLC0415  only here

    with socket.create_server(("127.0.0.1", unused_tcp_port)):
        code = start(monkeypatch, HOST="127.0.0.1", PORT=str(unused_tcp_port), SCRAPER_ENGINE="http")
    assert code == 1
    assert f"cannot listen on 127.0.0.1:{unused_tcp_port}" in capsys.readouterr().err
