"""The table of signs, held against what it must say."""

import pytest

from scraper_backend.errors import DeadlinePassed, InvalidRuc, NotRegistered, NotUnderstood, Unavailable
from scraper_backend.pages import Sign
from scraper_backend.rules import RULES, Pause


def test_every_sign_but_the_ficha_has_a_rule() -> None:
    assert set(RULES) == set(Sign) - {Sign.FICHA}


@pytest.mark.parametrize(
    ("sign", "failure", "retries", "pause"),
    [
        (Sign.NOT_REGISTERED, NotRegistered, 0, Pause.NONE),
        (Sign.INVALID_NUMBER, InvalidRuc, 0, Pause.NONE),
        (Sign.SESSION_REFUSED, Unavailable, 1, Pause.NONE),
        (Sign.FORM, Unavailable, 1, Pause.NONE),
        (Sign.SERVER_FAULT, Unavailable, 2, Pause.BACK_OFF),
        (Sign.REJECTED, Unavailable, 1, Pause.FIREWALL),
        (Sign.BLOCKED, Unavailable, 0, Pause.NONE),
        (Sign.SILENT, DeadlinePassed, 0, Pause.NONE),
        (Sign.BROWSER_GONE, Unavailable, 1, Pause.NONE),
        (Sign.CHANGED, NotUnderstood, 0, Pause.NONE),
    ],
)
def test_rules(sign: Sign, failure: type[Exception], retries: int, pause: Pause) -> None:
    rule = RULES[sign]
    assert (rule.failure, rule.retries, rule.pause) == (failure, retries, pause)


@pytest.mark.parametrize("sign", RULES)
def test_who_is_told_to_come_back_is_told_when(sign: Sign) -> None:
    rule = RULES[sign]
    assert (rule.retry_after is not None) == (rule.failure is Unavailable)
    assert rule.detail.endswith(".")
