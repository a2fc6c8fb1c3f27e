"""What would be done about a request, in sentences: one function for each act. Pure; decides nothing."""

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from proxy.config.quantities import show_duration
from proxy.exchange.outlook import Act, Facts, Outlook
from proxy.policy.disposition import ForwardReason, NotStoredReason, Reuse, StaleReason
from proxy.policy.freshness import freshness_left
from proxy.policy.messages import StoredResponse
from proxy.policy.route import Mode, RoutePolicy
from proxy.policy.validation import conditional, not_modified

_OF_ROUTES_ALONE: Final = frozenset(
    {"key.template", "key.host", "key.fields", "key.query.sort", "key.query.ignore", "cache"}
)


@dataclass(frozen=True, slots=True)
class Says:
    """A sentence, and what it rests on: sections of RFCs, dotted keys of the configuration."""

    text: str
    refs: tuple[str, ...]

    def __init__(self, text: str, *refs: str) -> None:
        object.__setattr__(self, "text", text)
        object.__setattr__(self, "refs", refs)


Words = Callable[[Facts, Outlook, Collection[str]], Iterator[Says]]


def rule(route: RoutePolicy, key: str, known: Collection[str]) -> str:
    """Where a route's value stands: in the route, else in the defaults."""
    own = f"routes.{route.name}.{key}"
    if any(name == own or name.startswith(f"{own}.") for name in known) or key in _OF_ROUTES_ALONE:
        return own
    return f"defaults.{key}"


def span(seconds: float) -> str:
    """A duration in words; whole seconds above one."""
    return show_duration(round(seconds) if seconds >= 1 else round(seconds, 3))


_PASSED: Final[Mapping[NotStoredReason, tuple[str, str]]] = {
    NotStoredReason.METHOD: ("Its method, or what it asks for, concerns its origin alone", "RFC 9111 §4"),
    NotStoredReason.ROUTE_OFF: ("The route caches nothing", "routes.{}.cache"),
    NotStoredReason.CLIENT_NO_STORE: ("The client said no-store, and the route honours that", "RFC 9111 §5.2.1.5"),
    NotStoredReason.COOKIE: ("It carries a Cookie, so its answer may be its client's own", "routes.{}.cookies"),
    NotStoredReason.MODE: ("The operator has switched the mode to bypass", "tambo mode"),
}


def _passes(facts: Facts, outlook: Outlook, _: Collection[str]) -> Iterator[Says]:
    reason = outlook.reason if isinstance(outlook.reason, NotStoredReason) else NotStoredReason.METHOD
    text, ref = _PASSED.get(reason, ("It may not be shared", "RFC 9111 §3"))
    yield Says(f"{text}: nothing is looked up, and what comes is not stored.", ref.format(facts.match.route.name))
    yield Says("It would go to the upstream by itself, and wait for nobody else's fetch.")


def _reused(facts: Facts, outlook: Outlook, _: Collection[str]) -> Iterator[Says]:
    stored = _of(outlook)
    if outlook.reason is NotStoredReason.MODE:
        yield Says("The operator has gone offline: what is stored answers, however old it is.", "tambo mode")
    elif isinstance(outlook.decision, Reuse) and freshness_left(stored, facts.now) <= 0:
        yield Says("The client takes stale answers (max-stale), and this is one.", "RFC 9111 §5.2.1.2")
    else:
        yield Says("It would be answered from the store at once: a hit.", "RFC 9111 §4")
    yield from _not_modified(facts, stored)


def _not_modified(facts: Facts, stored: StoredResponse) -> Iterator[Says]:
    date = stored.fields.joined("date")
    if not_modified(facts.request, stored.status, stored.etag, stored.last_modified, date):
        yield Says("The client has this very response already: it would get 304.", "RFC 9110 §13.2.2")


def _refreshed(facts: Facts, outlook: Outlook, known: Collection[str]) -> Iterator[Says]:
    stored, route = _of(outlook), facts.match.route
    ref = rule(route, "stale_while_revalidate", known)
    if stored.is_ended:
        text = "It would be answered at once, since it was ended before its time, and be refreshed behind."
    else:
        limit = span(stored.windows.revalidate)
        text = (
            f"That is within stale_while_revalidate ({limit}): it would be answered at once, and be refreshed behind."
        )
    yield Says(text, "RFC 5861 §3", ref)
    if facts.is_under_way:
        yield Says("A refresh is under way already.")
    yield from _not_modified(facts, stored)


_STANDS_IN: Final = {
    StaleReason.HOLDOFF: ("Fetching this key failed lately, so nobody waits for the next failure", "hold_off"),
    StaleReason.BREAKER: ("The circuit breaker is open, so the upstream is left alone", ""),
    StaleReason.ARCHIVE: ("Fetching fails, and this is the last good answer", "archive"),
    StaleReason.SHED: ("The last fetch found no place at the upstream", "hold_off"),
    StaleReason.ERROR: ("Fetching fails", "stale_if_error"),
}


def _stands_in(facts: Facts, outlook: Outlook, known: Collection[str]) -> Iterator[Says]:
    reason = outlook.reason if isinstance(outlook.reason, StaleReason) else StaleReason.ERROR
    text, key = _STANDS_IN.get(reason, _STANDS_IN[StaleReason.ERROR])
    refs = (rule(facts.match.route, key, known),) if key else ("upstream.breaker",)
    yield Says(f"{text}: it would be answered from the store, stale.", "RFC 9111 §4.2.4", *refs)
    if facts.setback is not None:
        failures = "failure" if facts.setback.count == 1 else "failures in a row"
        held = (
            f" and is left alone for {span(facts.held_for)} more" if facts.held_for else ", and may be tried again now"
        )
        yield Says(f"The key has {facts.setback.count} {failures} ({facts.setback.failure}){held}.")


def _joins(facts: Facts, outlook: Outlook, known: Collection[str]) -> Iterator[Says]:
    yield from _why(facts, outlook)
    yield Says("A fetch for this key is under way: it would wait for that one's answer.", "RFC 9111 §4")
    yield from _fallback(facts, outlook, known)


def _fetches(facts: Facts, outlook: Outlook, known: Collection[str]) -> Iterator[Says]:
    yield from _why(facts, outlook)
    yield Says(
        "It would be fetched from the upstream, and whoever asks meanwhile waits for the same fetch.", "RFC 9111 §4"
    )
    yield from _kept(facts, known)
    yield from _fallback(facts, outlook, known)


def _validates(facts: Facts, outlook: Outlook, known: Collection[str]) -> Iterator[Says]:
    yield from _why(facts, outlook)
    names = " and ".join(dict.fromkeys(name for name, _ in conditional(_of(outlook)).lines))
    if names:
        yield Says(
            f"The upstream would be asked, by {names}, whether it still holds: a 304 makes it fresh again.",
            "RFC 9111 §4.3",
        )
    else:
        yield Says("It has no validator, so it would be fetched anew.", "RFC 9111 §4.3.1")
    yield from _fallback(facts, outlook, known)


_WHY: Final = {
    ForwardReason.VARY_MISS: ("What is stored was answered to requests with other selecting fields.", "RFC 9111 §4.1"),
    ForwardReason.REQUEST: ("The request itself asks for more than what is stored may give it.", "RFC 9111 §5.2.1"),
    ForwardReason.PARTIAL: ("Only a part of it is stored.", "RFC 9111 §3.3"),
}


def _why(_: Facts, outlook: Outlook) -> Iterator[Says]:
    if isinstance(outlook.reason, ForwardReason) and outlook.reason in _WHY:
        yield Says(*_WHY[outlook.reason])


def _kept(facts: Facts, known: Collection[str]) -> Iterator[Says]:
    route = facts.match.route
    ttl = rule(route, "ttl", known)
    if route.mode is Mode.OVERRIDE:
        text = f"A good answer would be kept for {span(route.ttl)}, whatever its headers say of time."
        yield Says(text, f"routes.{route.name}.mode", ttl)
    elif route.ttl:
        text = (
            f"Its answer would be kept as long as its headers say; JSON without a word on that for {span(route.ttl)}."
        )
        yield Says(text, "RFC 9111 §4.2.1", ttl)
    else:
        yield Says("Its answer would be kept only if its headers say for how long.", "RFC 9111 §4.2.1", ttl)
    if route.verdicts:
        count = len(route.verdicts)
        rules = "1 rule" if count == 1 else f"{count} rules"
        yield Says(
            f"Its body would be judged by {rules} first: what is called a failure is never kept.",
            f"routes.{route.name}.verdicts",
        )


def _fallback(facts: Facts, outlook: Outlook, known: Collection[str]) -> Iterator[Says]:
    if outlook.fallback is None:
        yield Says(
            "If the upstream does not answer, nothing stored may stand in: it would be 502 or 504.", "RFC 9111 §4.2.4"
        )
        return
    is_archive = outlook.fallback.reason is StaleReason.ARCHIVE
    ref = rule(facts.match.route, "archive" if is_archive else "stale_if_error", known)
    what = "the last good answer, marked ARCHIVE" if is_archive else "what is stored, stale"
    yield Says(f"If the upstream does not answer, {what} would stand in.", "RFC 5861 §4", ref)


def _refuses(facts: Facts, outlook: Outlook, _: Collection[str]) -> Iterator[Says]:
    if outlook.reason is NotStoredReason.MODE:
        yield Says("The operator has gone offline and nothing stored can answer: it would be 503.", "tambo mode")
    elif outlook.reason is StaleReason.BREAKER:
        text = "The circuit breaker is open and nothing stored may stand in: it would be 503 with Retry-After."
        yield Says(text, "upstream.breaker")
    else:
        yield Says(
            "The client said only-if-cached, and nothing stored can answer: it would be 504.", "RFC 9111 §5.2.1.7"
        )


def _depends(_: Facts, __: Outlook, ___: Collection[str]) -> Iterator[Says]:
    yield Says("The content of a QUERY is part of its key, so that nobody can say without it.", "RFC 10008 §2.7")


def _of(outlook: Outlook) -> StoredResponse:
    if outlook.stored is None:
        raise AssertionError(f"{outlook.act} without a stored response")
    return outlook.stored


ACTS: Final[Mapping[Act, Words]] = {
    Act.PASS: _passes,
    Act.REUSE: _reused,
    Act.REUSE_AND_REFRESH: _refreshed,
    Act.STAND_IN: _stands_in,
    Act.JOIN: _joins,
    Act.FETCH: _fetches,
    Act.VALIDATE: _validates,
    Act.REFUSE: _refuses,
    Act.DEPENDS: _depends,
}
