"""The environment: what is read, and what is said of what cannot be."""

import pytest

from scraper_backend.errors import InvalidSetting
from scraper_backend.settings import REAL_SITE, VARIABLES, Settings, from_environment


def test_nothing_said_means_the_real_site_and_a_real_browser() -> None:
    settings = from_environment({"PATH": "/bin", "SUNAT_URL": ""})
    assert settings == Settings()
    assert (settings.site, settings.engine, settings.port) == (REAL_SITE, "selenium", 8000)


@pytest.mark.parametrize(
    ("variable", "text", "field", "value"),
    [
        ("PORT", "0", "port", 0),
        ("SUNAT_URL", "http://127.0.0.1:8900/", "site", "http://127.0.0.1:8900"),
        ("SUNAT_URL", "http://[::1]:8900", "site", "http://[::1]:8900"),
        ("SCRAPER_ENGINE", "HTTP", "engine", "http"),
        ("SCRAPER_DEADLINE", "80", "deadline", 80.0),
        ("SCRAPER_DEADLINE", "1.5m", "deadline", 90.0),
        ("SCRAPER_PACE", "250ms", "pace", 0.25),
        ("SCRAPER_SESSIONS", " 4 ", "sessions", 4),
        ("LOG_LEVEL", "debug", "log_level", "DEBUG"),
    ],
)
def test_what_is_read(variable: str, text: str, field: str, value: object) -> None:
    assert getattr(from_environment({variable: text}), field) == value


@pytest.mark.parametrize(
    ("variable", "text", "right"),
    [
        ("PORT", "eighty", "a whole number from 0 to 65535"),
        ("PORT", "65536", "a whole number from 0 to 65535"),
        ("PORT", "٨", "a whole number from 0 to 65535"),
        ("SCRAPER_SESSIONS", "0", "from 1 to 64"),
        ("SCRAPER_ENGINE", "playwright", "one of selenium, http"),
        ("SCRAPER_DEADLINE", "0", "a duration such as 500ms, 20s or 1.5m, from 0.1s to 24h"),
        ("SCRAPER_DEADLINE", "-5s", "a duration"),
        ("SCRAPER_DEADLINE", "25h", "to 24h"),
        ("SCRAPER_PACE", "fast", "a duration"),
        ("SUNAT_URL", "ftp://x", "http(s)://host[:port] without a path"),
        ("SUNAT_URL", "e-consultaruc.sunat.gob.pe", "http(s)://host[:port]"),
        ("SUNAT_URL", "https://h/cl-ti-itmrconsruc", "without a path"),
        ("SUNAT_URL", "https://u:p@h", "http(s)://host[:port]"),
        ("SUNAT_URL", "https://h:99999", "a port from 1 to 65535"),
        ("LOG_LEVEL", "loud", "DEBUG, INFO, WARNING, ERROR"),
        ("SCRAPER_USER_AGENT", "a\r\nb", "printable ASCII"),
    ],
)
def test_what_is_wrong_is_named_with_what_is_right(variable: str, text: str, right: str) -> None:
    with pytest.raises(InvalidSetting) as error:
        from_environment({variable: text})
    said = str(error.value)
    assert said.startswith(f"{variable}=")
    assert right in said
    assert "\n" not in said


def test_a_misspelt_variable_is_not_ignored() -> None:
    with pytest.raises(InvalidSetting, match=r"SCRAPER_SESIONS: no such setting; did you mean SCRAPER_SESSIONS\?"):
        from_environment({"SCRAPER_SESIONS": "3"})


def test_every_variable_is_documented() -> None:
    from pathlib import Path  # noqa: PLC0415  only here

    text = (Path(__file__).parents[3] / "docs" / "scraper.md").read_text(encoding="utf-8")
    assert [variable for variable in VARIABLES if f"`{variable}`" not in text] == []
