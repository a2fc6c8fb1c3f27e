"""Answers one request for a page: door, switches, delay, session, page. Must not write to a socket."""

from dataclasses import dataclass
from typing import Final

from scraper_backend.practice_site import delays, messages, render
from scraper_backend.practice_site.asked import Asked
from scraper_backend.practice_site.firing import Firing
from scraper_backend.practice_site.journal import Entry, Journal
from scraper_backend.practice_site.looks import Look, content_type, look_of
from scraper_backend.practice_site.markup import Page
from scraper_backend.practice_site.outcomes import Expire, Hang, Reset, Right, Show, Unknown, outcome_of
from scraper_backend.practice_site.settings import Settings
from scraper_backend.practice_site.switches import Rule
from scraper_backend.practice_site.visitors import Visitors
from scraper_backend.practice_site.world import World

COOKIE: Final = "ITMRCONSRUCSESSION"
FIREWALL_COOKIE: Final = "TS01fda901"  # set by the firewall in front; nobody reads it
SUPPORT_IDS: Final = 10**19


@dataclass(frozen=True, slots=True)
class Visit:
    """Who asks for what."""

    asked: Asked
    address: str
    session: str
    agent: str
    fetch_mode: str  # Sec-Fetch-Mode, empty when the client sends none

    @property
    def looks_forged(self) -> bool:
        """Whether a browser's name comes with header fields that a browser does not send when it navigates."""
        return "Chrome" in self.agent and self.fetch_mode not in {"", "navigate"}


@dataclass(frozen=True, slots=True)
class Send:
    """Bytes to send; `then` is empty, or what happens after `fraction` of them."""

    body: bytes
    status: int
    headers: tuple[tuple[str, str], ...]
    fraction: float = 1.0
    then: str = ""


@dataclass(slots=True)
class Site:
    """The site's state and its way of answering."""

    settings: Settings
    world: World
    visitors: Visitors
    firing: Firing
    journal: Journal

    async def answer(self, visit: Visit, entry: Entry) -> Send | Hang | Reset:
        """What to do with this visit, after the delay that it takes; `entry` is completed on the way."""
        rules = self.firing.at(visit.asked.step, visit.asked.ruc)
        entry.switches = [rule.switch for rule in rules]
        refused = self._door(visit, rules, entry)
        if refused is not None:
            return refused
        entry.delay = delays.natural(visit.asked.step, self.settings.delay, self.world.dice)
        entry.delay += delays.added(rules, self.world.dice)
        if entry.delay > 0:
            await self.world.sleep(entry.delay)
        outcome, entry.answer = outcome_of(rules, visit.agent, self.world.dice.randrange(SUPPORT_IDS))
        look = look_of(rules)
        match outcome:
            case Hang() | Reset():
                return outcome
            case Show(page, headers):
                return self._send(visit, page, look, headers)
            case Expire():
                self.visitors.drop(visit.session)
                return self._send(visit, render.form_page(), look)
            case Unknown():
                return self._send(visit, messages.unregistered(visit.asked.ruc, self.world.now()), look)
            case Right(fraction, then):
                sent = self._send(visit, self._right_page(visit, rules, look, entry), look)
                return Send(sent.body, sent.status, sent.headers, fraction, then)

    def _door(self, visit: Visit, rules: tuple[Rule, ...], entry: Entry) -> Send | Reset | None:
        """Blocked addresses and too frequent ones are reset at once; forged headers meet the firewall."""
        if self.visitors.is_blocked(visit.address):
            entry.answer = "blocked"
            return Reset()
        for rule in rules:
            if rule.switch == "rate-limit" and self.visitors.too_many(visit.address, rule.number("per_minute")):
                self.visitors.block(visit.address, rule.number("seconds"))
                entry.answer = "rate-limit"
                return Reset()
        if visit.looks_forged:
            entry.answer = "request-rejected"
            return self._send(visit, messages.request_rejected(self.world.dice.randrange(SUPPORT_IDS)), Look())
        return None

    def _right_page(self, visit: Visit, rules: tuple[Rule, ...], look: Look, entry: Entry) -> Page:
        asked = visit.asked
        if asked.step != "form" and self.visitors.was_dropped(visit.session):
            entry.answer = "session-expired"
            return render.form_page()
        problem = self._token_problem(visit, rules)
        if problem is not None:
            entry.answer = "no-token"
            return problem
        self._remember(visit, look)
        return render.answer(asked, look, self.world.now())

    def _token_problem(self, visit: Visit, rules: tuple[Rule, ...]) -> Page | None:
        asked = visit.asked
        if asked.step == "volver" and not asked.token:
            known = any(self.visitors.remembers(name, asked.ruc) for name in (visit.session, visit.address) if name)
            return None if known else self._punish(visit, rules)
        if not asked.needs_token or asked.token_is_plausible:
            return None
        return messages.message_page() if asked.token else self._punish(visit, rules)

    def _punish(self, visit: Visit, rules: tuple[Rule, ...]) -> Page:
        seconds = [rule.number("seconds") for rule in rules if rule.switch == "token-block"]
        self.visitors.block(visit.address, seconds[0] if seconds else self.settings.token_block)
        return messages.error_page()

    def _remember(self, visit: Visit, look: Look) -> None:
        names = [name for name in (visit.session, visit.address) if name]
        for one in render.shown(visit.asked, look):
            for name in names:
                self.visitors.remember(name, one.ruc)

    def _send(self, visit: Visit, page: Page, look: Look, headers: tuple[tuple[str, str], ...] = ()) -> Send:
        cookies: tuple[tuple[str, str], ...] = ()
        expired = visit.asked.step != "form" and self.visitors.was_dropped(visit.session)
        if not self.visitors.is_open(visit.session) and not expired:
            session = self.visitors.open_session()
            firewall = f"{self.world.dice.getrandbits(256):064x}"
            cookies = (
                ("Set-Cookie", f"{COOKIE}={session}; path=/; HttpOnly"),
                ("Set-Cookie", f"{FIREWALL_COOKIE}={firewall}; Path=/"),
            )
        fixed = (("Content-Type", content_type(look)), ("Cache-Control", "no-cache"))
        return Send(page.encoded(look.charset), page.status, (*fixed, *cookies, *headers))
