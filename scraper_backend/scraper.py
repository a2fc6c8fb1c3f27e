"""One look-up from beginning to end: admission, attempts, sub-pages, deadline. Knows engines only by their protocol."""

import asyncio
import logging
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import msgspec

from scraper_backend import extract
from scraper_backend.admission import Breaker
from scraper_backend.engine import Engine, Session
from scraper_backend.errors import DeadlinePassed, InvalidRuc, LookupFailed, Unavailable
from scraper_backend.models import Contribuyente, has_unreadable_letters
from scraper_backend.pages import Fields, Page, Seen, Sign, classify, section_rucs
from scraper_backend.ruc import problem_with
from scraper_backend.rules import BLOCKED, HOPELESS, RULES, WRONG_FICHA, Pause, Rule
from scraper_backend.settings import Settings

log = logging.getLogger(__name__)

SECTION_TRIES: Final = 2
_WORKERS: Final = "trabajadores y prestadores de servicio"
_REPRESENTATIVE: Final = "representante legal"
_LETTERS: Final = "algunas letras, ilegibles en la página"
"""A browser older than Chromium 156 or so does not give out the bytes of a page whose declared encoding is wrong."""


@dataclass(frozen=True, slots=True)
class _Setback:
    """An attempt that brought no ficha, and what its rule says."""

    sign: Sign
    rule: Rule
    retry_after: int | None


class Scraper:
    """Looks RUCs up through an engine. Any number of look-ups may be under way; the engine bounds its sessions."""

    def __init__(self, engine: Engine, settings: Settings, clock: Callable[[], float] | None = None) -> None:
        self.engine = engine
        self._settings = settings
        self._clock = clock or asyncio.get_running_loop().time
        self._breaker = Breaker(settings.breaker_after, settings.breaker_open, self._clock)

    async def look_up(self, ruc: str) -> Contribuyente:
        """Return the taxpayer, or raise LookupFailed. Logs one line however it ends."""
        begun, attempts, outcome = self._clock(), Counter[Sign](), "cancelled"
        try:
            found = await self._look_up(ruc, attempts)
            outcome = "ok" if found.error is None else "partial"
        except LookupFailed as failure:
            outcome = failure.outcome
            raise
        except Exception:
            outcome = "crashed"
            raise
        else:
            return found
        finally:
            log.info(
                "look-up ruc=%s outcome=%s seconds=%.2f attempts=%d signs=%s",
                ruc.encode("ascii", "backslashreplace").decode()[:40],
                outcome,
                self._clock() - begun,
                attempts.total(),
                ",".join(sign.name.lower() for sign in attempts) or "-",
            )

    async def _look_up(self, ruc: str, attempts: Counter[Sign]) -> Contribuyente:
        if problem := problem_with(ruc):
            raise InvalidRuc(problem)
        if (wait := self._breaker.wait()) is not None:
            raise Unavailable("SUNAT no acepta conexiones desde este servicio por ahora.", wait)
        try:
            async with asyncio.timeout(self._settings.deadline) as limit:
                return await self._attempts(ruc, attempts, limit)
        except TimeoutError:
            raise DeadlinePassed(f"SUNAT no respondió en {self._settings.deadline:g} segundos.") from None

    async def _attempts(self, ruc: str, attempts: Counter[Sign], limit: asyncio.Timeout) -> Contribuyente:
        """Try until there is an answer or a rule says that is enough; each try in a new session."""
        deadline = limit.when() or 0.0
        while True:
            async with self.engine.session() as session:
                result = await self._attempt(session, ruc)
                if isinstance(result, extract.Ficha):
                    attempts[Sign.FICHA] += 1
                    limit.reschedule(None)  # from here on there is an answer: the deadline ends only what completes it
                    return await self._complete(session, result, deadline)
            attempts[result.sign] += 1
            await self._pause_or_fail(result, attempts[result.sign], deadline)

    async def _attempt(self, session: Session, ruc: str) -> extract.Ficha | _Setback:
        seen = await session.query(ruc)
        sign = classify(seen)
        self._breaker.note(blocked=sign in BLOCKED)
        if sign is not Sign.FICHA or not isinstance(seen, Page):
            return _Setback(sign, RULES[sign], seen.retry_after if isinstance(seen, Page) else None)
        try:
            ficha = extract.ficha(seen.html)
        except extract.LabelsMissing as missing:
            log.error("the result page has changed: %s not found", missing)  # noqa: TRY400  the trace would say no more
            return _Setback(Sign.CHANGED, RULES[Sign.CHANGED], None)
        if ficha.ruc != ruc:
            log.error("asked for %s, got the page of another", ruc)
            return _Setback(Sign.CHANGED, WRONG_FICHA, None)
        return ficha

    async def _pause_or_fail(self, setback: _Setback, times: int, deadline: float) -> None:
        """Wait as the rule says, or raise its failure when it allows no more or the time left would not do."""
        rule, settings = setback.rule, self._settings
        pause = {
            Pause.NONE: 0.0,
            Pause.BACK_OFF: settings.retry_pause * 2 ** (times - 1),
            Pause.FIREWALL: settings.firewall_pause,
        }[rule.pause]
        left = deadline - asyncio.get_running_loop().time()
        if times > rule.retries or pause >= left:
            if setback.sign is Sign.CHANGED:
                log.error("a page came that is not understood: the site may have changed")
            raise rule.failure(rule.detail, setback.retry_after or rule.retry_after)
        await asyncio.sleep(pause)

    async def _complete(self, session: Session, ficha: extract.Ficha, deadline: float) -> Contribuyente:
        """Add what the sub-pages say. What cannot be had of them is named in `error`; the rest is still an answer."""
        found, missing = ficha.taxpayer, list[str]()
        if (page := await self._section(session, ficha.ruc, ficha.workers_form, Sign.WORKERS, deadline)) is None:
            missing.append(_WORKERS)
        elif (numbers := extract.workers(page.html)) is not None:
            found = msgspec.structs.replace(found, numero_trabajadores=numbers[0], prestadores_de_servicios=numbers[1])
        if ficha.representatives_form is not None:
            form = ficha.representatives_form
            if (page := await self._section(session, ficha.ruc, form, Sign.REPRESENTATIVES, deadline)) is None:
                missing.append(_REPRESENTATIVE)
            else:
                found = msgspec.structs.replace(found, representante_legal=extract.representative(page.html))
        if has_unreadable_letters(found):
            missing.append(_LETTERS)
        if missing:
            error = f"Consulta parcial: no se pudo obtener de SUNAT: {'; '.join(missing)}."
            found = msgspec.structs.replace(found, error=error)
        return found

    async def _section(
        self, session: Session, ruc: str, form: Fields | None, wanted: Sign, deadline: float
    ) -> Page | None:
        """Return a sub-page, asked for at most twice, or None when it cannot be had before the deadline."""
        if form is None:
            return None
        for _ in range(SECTION_TRIES):
            try:
                async with asyncio.timeout_at(deadline):
                    seen: Seen = await session.post(form)
            except TimeoutError:
                return None
            sign = classify(seen)
            if sign is wanted and isinstance(seen, Page) and section_rucs(seen.html) <= {ruc}:
                return seen
            log.warning("sub-page of %s: wanted %s, got %s", ruc, wanted, sign)
            if sign in HOPELESS:
                return None
        return None
