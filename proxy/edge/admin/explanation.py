"""Puts into sentences why a request would be answered as it would: each with the RFC's section or the file's key.

Pure, and judges nothing: every word is read off the facts and the outlook that the exchange's own decisions gave.
"""

from collections.abc import Collection, Iterator
from typing import Final

from msgspec import Struct

from proxy.edge.admin.explained_acts import ACTS, Says, rule, span
from proxy.exchange.outlook import Facts, Outlook
from proxy.policy.directives import response_directives
from proxy.policy.disposition import Credentialed, PassThrough
from proxy.policy.freshness import LifetimeSource, current_age, freshness_left, is_cut_short, lifetime
from proxy.policy.messages import ResponseHead, StoredResponse, Timing
from proxy.policy.route import Mode, RoutePolicy

BUILT_IN: Final = "default"
_ROUTE: Final = "the route"
_SOURCES: Final = {
    LifetimeSource.S_MAXAGE: ("its s-maxage", "RFC 9111 §5.2.2.10"),
    LifetimeSource.MAX_AGE: ("its max-age", "RFC 9111 §5.2.2.1"),
    LifetimeSource.EXPIRES: ("its Expires", "RFC 9111 §5.3"),
    LifetimeSource.NO_CACHE: ("its no-cache", "RFC 9111 §5.2.2.4"),
    LifetimeSource.HEURISTIC: ("a guess from its Last-Modified", "RFC 9111 §4.2.2"),
}


class Explanation(Struct, frozen=True):
    """The three parts of what is said."""

    route: list[Says]
    key: list[Says]
    answer: list[Says]


def explanation(facts: Facts, outlook: Outlook, known: Collection[str]) -> Explanation:
    """``known``: the dotted keys that the configuration names; others have the default."""
    return Explanation(
        list(_route(facts)),
        list(_key(facts, known)),
        [*_stored(facts, outlook, known), *ACTS[outlook.act](facts, outlook, known)],
    )


# Which route -----------------------------------------------------------------------------------------------------


def _route(facts: Facts) -> Iterator[Says]:
    route, request = facts.match.route, facts.request
    for earlier in facts.routes:
        if earlier is route:
            break
        if earlier.pattern.captures(request.path) is not None:
            methods = ", ".join(sorted(earlier.methods))
            text = f"Route {earlier.name!r} comes first and its path matches, but it is for {methods} only."
            yield Says(text, f"routes.{earlier.name}.match.methods")
    if route.name == BUILT_IN:
        yield Says("No route of the configuration takes it, so the built-in last one does.", "defaults")
        return
    captured = ", ".join(f"{name} = {value}" for name, value in facts.match.captures.items())
    text = f"Route {route.name!r} takes it: the first whose path and methods match"
    text += f", with {captured}." if captured else "."
    yield Says(text, f"routes.{route.name}.match")


# Which key -------------------------------------------------------------------------------------------------------


def _key(facts: Facts, known: Collection[str]) -> Iterator[Says]:
    key, route = facts.key, facts.match.route
    if key is None:
        return
    made = route.key
    if made.template is None:
        yield Says("The key is the raw path and query, as they came.", "RFC 9111 §2")
    else:
        yield Says(f"The key is made by the template {made.template}.", rule(route, "key.template", known))
    if made.query.sort:
        yield Says("Parameters of the query are sorted by name.", rule(route, "key.query.sort", known))
    if made.query.ignore:
        names = ", ".join(made.query.ignore)
        yield Says(
            f"Parameters like these are left out of it, and are not sent: {names}.",
            rule(route, "key.query.ignore", known),
        )
    if made.host:
        yield Says("The client's Host is part of it.", rule(route, "key.host", known))
    if facts.url_key is not None and facts.url_key.text != key.text:
        yield Says(
            "An answer said by No-Vary-Search which parameters make no difference: they are left out.", "No-Vary-Search"
        )
    if made.fields:
        names = ", ".join(made.fields)
        yield Says(
            f"These request fields always select among what is stored: {names}.", rule(route, "key.fields", known)
        )


# What is stored --------------------------------------------------------------------------------------------------


def _stored(facts: Facts, outlook: Outlook, known: Collection[str]) -> Iterator[Says]:
    if isinstance(facts.admission, PassThrough) or facts.key is None:
        return
    if isinstance(facts.admission, Credentialed):
        text = "It carries Authorization: only what its origin lets others have may answer it, and it joins no fetch."
        yield Says(text, "RFC 9111 §3.5")
    count = len(facts.candidates)
    if facts.is_store_out:
        yield Says("The store cannot be read now: that counts as a miss.")
    elif not count:
        yield Says("Nothing is stored under this key.", "RFC 9111 §4")
    elif outlook.stored is None:
        names = ", ".join(sorted({name for each in facts.candidates for name, _ in each.secondary_key})) or "nothing"
        text = f"{_responses(count)} stored under this key, selected by {names}: none may answer this request."
        yield Says(text, "RFC 9111 §4.1")
    else:
        yield from _age(facts, outlook.stored, count, known)


def _responses(count: int) -> str:
    return "1 response is" if count == 1 else f"{count} responses are"


def _age(facts: Facts, stored: StoredResponse, count: int, known: Collection[str]) -> Iterator[Says]:
    which = "it" if count == 1 else "one of them"
    yield Says(f"{_responses(count)} stored under this key, and {which} may answer this request.", "RFC 9111 §4")
    source, refs = _said_by(stored, facts.match.route, known)
    age, fresh = f"It is {span(current_age(stored, facts.now))} old", stored.freshness_lifetime
    came = stored.corrected_initial_age
    if source.startswith(_ROUTE):  # whose lifetimes begin when the answer is here (policy.freshness.shelf_life)
        fresh -= came
        age, source = (
            (f"{age}, {span(came)} of that when it came", f"from then on {source}") if came >= 1 else (age, source)
        )
    yield Says(f"{age}; {source} makes it fresh for {span(fresh)}.", "RFC 9111 §4.2", *refs)
    left = freshness_left(stored, facts.now)
    if stored.is_ended:
        yield Says("A purge, or an unsafe request, has ended its freshness before its time.", "RFC 9111 §4.4")
    elif is_cut_short(stored, facts.now):
        yield Says(
            "It was stored later than now: a clock was set back, and nobody can tell how old it is.", "RFC 9111 §4.2"
        )
    elif left > 0:
        yield Says(f"It stays fresh for {span(left)} more.", "RFC 9111 §4.2")
    else:
        yield Says(f"It has been stale for {span(-left)}.", "RFC 9111 §4.2")
    if stored.always_validate:
        yield Says("Its origin said no-cache: it is validated before each use.", "RFC 9111 §5.2.2.4")
    elif stored.never_stale:
        yield Says("Its origin forbids to serve it stale.", "RFC 9111 §4.2.4")


def _said_by(stored: StoredResponse, route: RoutePolicy, known: Collection[str]) -> tuple[str, tuple[str, ...]]:
    """Who said for how long it is fresh, as far as the present configuration tells."""
    if stored.negative:
        return "a verdict (negative)", (rule(route, "negative_ttl", known),)
    timing = Timing(stored.response_time, stored.response_time)
    head = ResponseHead(stored.status, stored.fields)
    said = lifetime(head, response_directives(stored.fields), route, timing)
    if said is None:
        return "a rule of before", ()
    if said.source is LifetimeSource.ROUTE:
        by_status = stored.status in route.ttl_by_status
        why = " (mode override)" if route.mode is Mode.OVERRIDE else ""
        return f"{_ROUTE}{why}", (rule(route, "ttl_by_status" if by_status else "ttl", known),)
    words, section = _SOURCES[said.source]
    return words, (section,)
