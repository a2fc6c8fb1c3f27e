"""What is done with a request, as a value: a page sent (whole or in part), silence, or a reset. Must not do it."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, TypeAlias

from scraper_backend.practice_site import messages
from scraper_backend.practice_site.crash import crashing
from scraper_backend.practice_site.markup import HOME, Page
from scraper_backend.practice_site.switches import Rule

REDIRECT: Final = 302
HEADLESS: Final = "HeadlessChrome"


@dataclass(frozen=True, slots=True)
class Show:
    """Send this page in place of the right one."""

    page: Page
    headers: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Right:
    """Send the right page, or only a `fraction` of its bytes and `then` close, hang or reset."""

    fraction: float = 1.0
    then: str = ""


@dataclass(frozen=True, slots=True)
class Expire:
    """Lose the session, then send the search form in place of the answer."""


@dataclass(frozen=True, slots=True)
class Unknown:
    """Answer as if nobody had this number."""


@dataclass(frozen=True, slots=True)
class Hang:
    """Never send a byte."""


@dataclass(frozen=True, slots=True)
class Reset:
    """Reset the connection."""


WORDED: Final = {
    "error-page": messages.error_page,
    "message-page": messages.message_page,
    "maintenance": messages.maintenance,
    "alert": messages.with_alert,
}

Outcome: TypeAlias = Show | Right | Expire | Unknown | Hang | Reset


def outcome_of(rules: Iterable[Rule], agent: str, support_id: int) -> tuple[Outcome, str]:
    """What the first of `rules` that decides says, and its name; the right page when none does.

    `agent` is the visitor's User-Agent; `support_id` goes into the firewall's page.
    """
    for rule in rules:
        outcome = _outcome(rule, agent, support_id)
        if outcome is not None:
            return outcome, rule.switch
    return Right(), "page"


def _outcome(rule: Rule, agent: str, support_id: int) -> Outcome | None:
    simple: dict[str, Outcome] = {
        "hang": Hang(),
        "reset": Reset(),
        "session-expired": Expire(),
        "not-found": Unknown(),
        "request-rejected": Show(messages.request_rejected(support_id)),
    }
    if rule.switch in simple:
        return simple[rule.switch]
    if rule.switch == "half":
        return Right(rule.number("fraction"), rule.text("then"))
    if rule.switch == "status":
        return _status(rule)
    page = _page(rule, agent)
    return Show(page) if page else None


def _page(rule: Rule, agent: str) -> Page | None:
    if rule.switch in WORDED:
        return WORDED[rule.switch](rule.text("text"))
    match rule.switch:
        case "renderer-crash":
            return crashing(rule.text("how"))
        case "challenge" if HEADLESS in agent or not rule.parameters["only_headless"]:
            return messages.challenge()
        case _:
            return None


def _status(rule: Rule) -> Show:
    status = int(rule.number("status"))
    headers: tuple[tuple[str, str], ...] = ()
    if status == REDIRECT:
        headers = (("Location", HOME),)
    elif rule.number("retry_after"):
        headers = (("Retry-After", f"{rule.number('retry_after'):.0f}"),)
    return Show(messages.status_page(status), headers)
