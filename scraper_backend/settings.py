"""The environment, checked: one frozen value, or one line saying which variable is wrong and what would be right."""

import difflib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Final
from urllib.parse import urlsplit

from scraper_backend.errors import InvalidSetting

REAL_SITE: Final = "https://e-consultaruc.sunat.gob.pe"
ENGINES: Final = ("selenium", "http")
LOG_LEVELS: Final = ("DEBUG", "INFO", "WARNING", "ERROR")

_DURATION: Final = re.compile(r"(?P<amount>[0-9]+(?:\.[0-9]+)?)(?P<unit>ms|s|m|h)?")
_UNITS: Final = {"ms": 0.001, None: 1.0, "s": 1.0, "m": 60.0, "h": 3600.0}
_DAY: Final = 86_400.0
_PORTS: Final = 65_535
_MOST_SESSIONS: Final = 64


class _Wrong(ValueError):
    """What would have been right."""


def _duration(least: float = 0.0) -> Callable[[str], float]:
    def read(text: str) -> float:
        parsed = _DURATION.fullmatch(text)
        seconds = float(parsed["amount"]) * _UNITS[parsed["unit"]] if parsed else -1.0
        if not least <= seconds <= _DAY:
            raise _Wrong(f"must be a duration such as 500ms, 20s or 1.5m, from {least:g}s to 24h")
        return seconds

    return read


def _whole(least: int, most: int) -> Callable[[str], int]:
    def read(text: str) -> int:
        if not (text.isascii() and text.isdigit()) or not least <= int(text[:9]) <= most:
            raise _Wrong(f"must be a whole number from {least} to {most}")
        return int(text)

    return read


def _one_of(*words: str) -> Callable[[str], str]:
    def read(text: str) -> str:
        known = {word.lower(): word for word in words}
        if text.lower() not in known:
            raise _Wrong(f"must be one of {', '.join(words)}")
        return known[text.lower()]

    return read


def _origin(text: str) -> str:
    try:
        parts = urlsplit(text)
        bad_port = parts.port == 0
    except ValueError:
        raise _Wrong("must be scheme://host[:port] with a port from 1 to 65535") from None
    more = parts.path.rstrip("/") or parts.query or parts.fragment or parts.username or parts.password
    if bad_port or parts.scheme not in {"http", "https"} or not parts.hostname or more:
        raise _Wrong(f"must be http(s)://host[:port] without a path, such as {REAL_SITE}")
    return f"{parts.scheme}://{parts.netloc}"


def _text(text: str) -> str:
    if not text.isascii() or not text.isprintable():
        raise _Wrong("must be printable ASCII")
    return text


def _setting(variable: str, default: Any, read: Callable[[str], Any]) -> Any:
    return field(default=default, metadata={"variable": variable, "read": read})


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything that can be set. Durations are in seconds."""

    host: str = _setting("HOST", "0.0.0.0", _text)  # noqa: S104  a server in a container listens on every address
    port: int = _setting("PORT", 8000, _whole(0, _PORTS))
    site: str = _setting("SUNAT_URL", REAL_SITE, _origin)
    engine: str = _setting("SCRAPER_ENGINE", "selenium", _one_of(*ENGINES))
    sessions: int = _setting("SCRAPER_SESSIONS", 2, _whole(1, _MOST_SESSIONS))
    queue: int = _setting("SCRAPER_QUEUE", 20, _whole(0, 10_000))
    queue_timeout: float = _setting("SCRAPER_QUEUE_TIMEOUT", 30.0, _duration())
    deadline: float = _setting("SCRAPER_DEADLINE", 80.0, _duration(0.1))
    step_timeout: float = _setting("SCRAPER_STEP_TIMEOUT", 30.0, _duration(0.1))
    pace: float = _setting("SCRAPER_PACE", 1.1, _duration())
    retry_pause: float = _setting("SCRAPER_RETRY_PAUSE", 2.0, _duration())
    firewall_pause: float = _setting("SCRAPER_FIREWALL_PAUSE", 35.0, _duration())
    breaker_after: int = _setting("SCRAPER_BREAKER_AFTER", 3, _whole(1, 1_000))
    breaker_open: float = _setting("SCRAPER_BREAKER_OPEN", 180.0, _duration())
    drain: float = _setting("SCRAPER_DRAIN", 25.0, _duration())
    browser_lookups: int = _setting("SCRAPER_BROWSER_LOOKUPS", 50, _whole(1, 1_000_000))
    browser_age: float = _setting("SCRAPER_BROWSER_AGE", 1800.0, _duration(1.0))
    browser_idle: float = _setting("SCRAPER_BROWSER_IDLE", 600.0, _duration(1.0))
    chromium: str = _setting("SCRAPER_CHROMIUM", "", _text)
    chromedriver: str = _setting("SCRAPER_CHROMEDRIVER", "", _text)
    user_agent: str = _setting("SCRAPER_USER_AGENT", "", _text)
    log_level: str = _setting("LOG_LEVEL", "INFO", _one_of(*LOG_LEVELS))


VARIABLES: Final[Mapping[str, str]] = {each.metadata["variable"]: each.name for each in fields(Settings)}
"""Every variable that is read, with the field it sets."""


def from_environment(environment: Mapping[str, str]) -> Settings:
    """Read the settings; an empty variable counts as absent. Raises InvalidSetting for the first that is wrong."""
    for name in sorted(environment):
        if name.startswith("SCRAPER_") and name not in VARIABLES:
            near = difflib.get_close_matches(name, VARIABLES, 1, 0.8)
            raise InvalidSetting(f"{name}: no such setting" + (f"; did you mean {near[0]}?" if near else ""))
    given: dict[str, Any] = {}
    for each in fields(Settings):
        variable, text = each.metadata["variable"], environment.get(each.metadata["variable"], "").strip()
        if text:
            try:
                given[each.name] = each.metadata["read"](text)
            except _Wrong as wrong:
                raise InvalidSetting(f"{variable}={text!r}: {wrong}") from None
    return Settings(**given)
