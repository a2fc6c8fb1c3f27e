"""What is valid and yet will surprise: routes that another hides, windows that never come (``tambo check --strict``).

Pure; what only a running Redis can tell is asked elsewhere.
"""

import re
from collections.abc import Iterator

from proxy.config.model import Config
from proxy.config.quantities import show_duration
from proxy.policy.privacy import CREDENTIALS
from proxy.policy.route import Mode, RoutePolicy, segments

_ADMIN = "admin"
_CAPTURE = re.compile(r"\{[A-Za-z_][A-Za-z0-9_]*\}")


def surprises(config: Config, routes: tuple[RoutePolicy, ...]) -> list[str]:
    """One line each, the key first. ``routes`` end with the built-in last one."""
    return [*_waits(config), *_named(routes), *_hidden(routes[:-1]), *_windows(routes), *_credentials(routes)]


def _waits(config: Config) -> Iterator[str]:
    upstream, stopping = config.upstream, config.stopping
    if upstream.queue_timeout < upstream.timeout.total:
        yield (
            f"upstream.concurrency.queue_timeout: who waits for a place is refused after "
            f"{show_duration(upstream.queue_timeout)}, but a place may be taken for "
            f"{show_duration(upstream.timeout.total)} (upstream.timeout.total)"
        )
    if stopping.drain_timeout is not None and stopping.drain_timeout < upstream.timeout.total:
        yield (
            f"stopping.drain_timeout: a stop cuts what is in flight after {show_duration(stopping.drain_timeout)}, "
            f"but a fetch may take {show_duration(upstream.timeout.total)} (upstream.timeout.total)"
        )


def _named(routes: tuple[RoutePolicy, ...]) -> Iterator[str]:
    """A route whose requests are taken for the admin listener's, which are left out of the hit ratio."""
    for route in routes:
        if route.name == _ADMIN:
            yield (
                f"routes.{_ADMIN}.name: requests under ADMIN_PREFIX are counted under this name, and left out of "
                f"the hit ratio; call the route something else"
            )


def _hidden(routes: tuple[RoutePolicy, ...]) -> Iterator[str]:
    """Routes of which every request is taken by one before."""
    for place, route in enumerate(routes):
        for earlier in routes[:place]:
            same = earlier.pattern.text == route.pattern.text  # that one is told without --strict
            if not same and earlier.methods >= route.methods and covers(earlier.pattern.text, route.pattern.text):
                yield (
                    f"routes.{route.name}.match.path: is never taken, {earlier.name!r} before it takes every path like "
                    f"{route.pattern.text!r}; the first that matches decides, so put the narrower one first"
                )
                break


def covers(wide: str, narrow: str) -> bool:
    """Whether every path that a pattern takes is taken by ``wide`` too, as far as their texts tell."""
    wide_parts, narrow_parts = segments(wide), segments(narrow)
    if wide_parts[-1] == "**":
        head = wide_parts[:-1]
        return len(narrow_parts) > len(head) and _all_cover(head, narrow_parts)
    is_open = narrow_parts[-1] == "**"
    return not is_open and len(wide_parts) == len(narrow_parts) and _all_cover(wide_parts, narrow_parts)


def _all_cover(wide: list[str], narrow: list[str]) -> bool:
    return all(
        (_CAPTURE.fullmatch(one) and other not in {"", "**"}) or one == other
        for one, other in zip(wide, narrow, strict=False)
    )


def _windows(routes: tuple[RoutePolicy, ...]) -> Iterator[str]:
    for route in routes:
        key = f"routes.{route.name}" if route is not routes[-1] else "defaults"
        behind, on_error = route.stale_while_revalidate, route.stale_if_error
        if behind is not None and on_error is not None and on_error < behind:
            yield (
                f"{key}.stale_if_error: {show_duration(on_error)} ends before stale_while_revalidate does "
                f"({show_duration(behind)}), so it changes nothing"
            )
        if route.archive and on_error is not None and route.archive <= on_error:
            yield (
                f"{key}.archive: {show_duration(route.archive)} ends before stale_if_error does "
                f"({show_duration(on_error)}), so it changes nothing"
            )
        if route.cache and route.mode is Mode.OVERRIDE and not route.ttl and not any(route.ttl_by_status.values()):
            yield f"{key}.ttl: is 0 in override mode, so nothing this route fetches is ever fresh"


def _credentials(routes: tuple[RoutePolicy, ...]) -> Iterator[str]:
    """Fields that say who asks, passed on without telling answers apart."""
    for route in routes:
        if not route.cache or route.mode is not Mode.OVERRIDE or route.authorization_ignored:
            continue
        for name in route.forward:
            if name in CREDENTIALS and name not in route.key.fields:
                yield (
                    f"routes.{route.name}.forward: {name!r} says who asks, so nothing that is asked with it is stored; "
                    "in key.fields it is passed on too, and each value has answers of its own"
                )
