"""What the site is told at its start, read from the environment once. Must not read a clock or open a socket."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from scraper_backend.practice_site.switches import BadSwitchError, Rule, parse_switches

HIGHEST_PORT: Final = 65535


class BadSettingError(ValueError):
    """A variable of the environment that cannot be used; the text names it and says what would be right."""


@dataclass(frozen=True, slots=True)
class Settings:
    """Where to listen and how to behave.

    `delay` is the factor on the imitated delays: 0 none, 1 as the live site (10 to 30 s in all).
    `token_block` is for how many seconds a client is reset that posted a query without a token; 0 never.
    """

    host: str = "127.0.0.1"
    port: int = 8900
    delay: float = 0.25
    seed: str = "0"
    token_block: float = 30.0
    switches: tuple[Rule, ...] = ()


def from_environment(environment: Mapping[str, str]) -> Settings:
    """Read HOST, PORT, PRACTICE_DELAY, PRACTICE_SEED, PRACTICE_TOKEN_BLOCK and PRACTICE_SWITCHES.

    Raises BadSettingError.
    """
    default = Settings()
    return Settings(
        host=environment.get("HOST") or default.host,
        port=int(_number(environment, "PORT", default.port, HIGHEST_PORT, whole=True)),
        delay=_number(environment, "PRACTICE_DELAY", default.delay, 100),
        seed=environment.get("PRACTICE_SEED") or default.seed,
        token_block=_number(environment, "PRACTICE_TOKEN_BLOCK", default.token_block, 86400),
        switches=_switches(environment.get("PRACTICE_SWITCHES", "").strip()),
    )


def _number(environment: Mapping[str, str], name: str, default: float, most: float, *, whole: bool = False) -> float:
    given = environment.get(name, "").strip()
    try:
        value: float = (int(given) if whole else float(given)) if given else default
    except ValueError:
        value = -1
    if not 0 <= value <= most:
        kind = "a whole number" if whole else "a number"
        raise BadSettingError(f"{name}={given!r}: expected {kind} from 0 to {most:g}")
    return value


def _switches(given: str) -> tuple[Rule, ...]:
    if not given:
        return ()
    is_text = given.startswith(("[", "{"))
    try:
        return parse_switches(json.loads(given if is_text else Path(given).read_text(encoding="utf-8")))
    except OSError as error:
        raise BadSettingError(f"PRACTICE_SWITCHES={given}: cannot be read ({error.strerror})") from error
    except json.JSONDecodeError as error:
        raise BadSettingError(f"PRACTICE_SWITCHES: not JSON: {error}") from error
    except BadSwitchError as error:
        raise BadSettingError(f"PRACTICE_SWITCHES: {error}") from error
