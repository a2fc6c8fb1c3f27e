"""What a page says of itself, and what is made of one that says nothing. All else is asked of a real browser."""

from typing import Any

import pytest
from selenium.common.exceptions import UnexpectedAlertPresentException

from scraper_backend import browser
from scraper_backend.browser import MOST_ASKED, Browser
from scraper_backend.pages import Alert, Gone, Page

STATE = [1.5, "complete", "https://sunat.example/", 200]


class Driver:
    """Answers scripts with what it was given, one after the other, and then with the last."""

    page_source = "<html></html>"

    def __init__(self, *answers: Any) -> None:
        self.answers = answers
        self.asked = 0

    def get(self, _: str) -> None:
        """Go anywhere."""

    def execute_script(self, _: str) -> Any:
        answer = self.answers[min(self.asked, len(self.answers) - 1)]
        self.asked += 1
        if isinstance(answer, Exception):
            raise answer
        return answer

    def execute_cdp_cmd(self, _: str, __: object) -> Any:
        return {"frameTree": {"frame": {"loaderId": "1"}}, "body": "<p>1</p>", "base64Encoded": False}


@pytest.mark.parametrize(
    ("answers", "seen", "asked"),
    [
        pytest.param((STATE,), Page("<p>1</p>", 200), 1, id="it says where it is"),
        pytest.param((None, None, STATE), Page("<p>1</p>", 200), 3, id="it says so later"),
        pytest.param(
            (None, UnexpectedAlertPresentException("", alert_text="Hola")), Alert("Hola"), 2, id="an alert had opened"
        ),
        pytest.param((None,), Gone("the page does not say where it is"), MOST_ASKED, id="it never says so"),
    ],
)
def test_a_page_that_says_nothing_is_asked_again(
    answers: tuple[Any, ...], seen: object, asked: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(browser, "POLL", 0.0)
    it = Browser.__new__(Browser)
    driver = Driver(*answers)
    it._driver, it._site, it._step_timeout = driver, "https://sunat.example", 1.0  # type: ignore[assignment]  # stands in
    assert it.open_form() == seen
    assert driver.asked == asked
