"""Compiles the configured routes into the policy's own: patterns, conditions and templates are checked here, once."""

import re
from collections.abc import Mapping
from typing import Any

from msgspec import Struct, field

from proxy.config.conditions import compile_condition
from proxy.config.model import Authorization, ClientDirectives, Config, Cookies, Route, RouteMatch, RouteVerdict
from proxy.config.problems import InvalidConfigError, show
from proxy.config.upstream import HostSent
from proxy.errors import ConfigError
from proxy.policy.cache_key import check_template
from proxy.policy.disposition import Verdict
from proxy.policy.route import (
    DEFAULT_STATUSES,
    ForwardFields,
    KeyRule,
    Mode,
    PathPattern,
    QueryRule,
    RoutePolicy,
    VerdictRule,
    compile_pattern,
)
from proxy.wording import nearest

LAST_NAME = "default"
"""The built-in last route: it takes what no other does."""
_EVERYTHING = PathPattern("**", re.compile(r".*", re.DOTALL))
_PLACEHOLDER = re.compile(r"\{([^{}]*)\}")


def route_policies(config: Config) -> tuple[RoutePolicy, ...]:
    """The routes in their order, then the built-in ``default``. Raises InvalidConfigError with all problems."""
    compiler = _Compiler(config)
    routes = tuple(compiler.compiled(place, route) for place, route in enumerate(config.routes))
    if compiler.problems:
        raise InvalidConfigError(compiler.problems)
    return (*routes, compiler.last())


def left_out(route: Route, pattern: PathPattern) -> list[str]:
    """What of the path a key template leaves out, so that all its values share one stored answer."""
    if route.key.template is None:
        return []
    named = _PLACEHOLDER.findall(route.key.template)
    rest = ["**"] if pattern.text.endswith("**") else []
    return [f"{{{name}}}" for name in pattern.regex.groupindex if name not in named] + rest


def statuses_of(route: Route) -> frozenset[int] | None:
    """The statuses that a route stores; None: every final one."""
    if route.statuses is None:
        return DEFAULT_STATUSES
    return None if route.statuses == "all" else frozenset(route.statuses)


def forward_fields_of(route: Route) -> ForwardFields:
    """Strict where the route decides, all where the upstream's Vary speaks; unless the route says which."""
    usual = ForwardFields.STRICT if route.mode is Mode.OVERRIDE else ForwardFields.ALL
    return route.forward_fields or usual


class _Compiler(Struct):
    config: Config
    problems: list[ConfigError] = field(default_factory=list)

    def compiled(self, place: int, route: Route) -> RoutePolicy:
        """One route; what is wrong with it is noted, and the result then of no use."""
        names = [other.name for other in self.config.routes[:place]]
        key = f"routes.{place if route.name in names else route.name}"
        if route.name in names:
            self._note(f"{key}.name", f"{show(route.name)} is another route's name already")
        if route.name == LAST_NAME:
            what = "is the built-in last route's name; its values stand in [defaults]"
            self._note(f"{key}.name", f"{show(LAST_NAME)} {what}")
        pattern = self._pattern(f"{key}.match.path", route.match.path)
        captures = pattern.regex.groupindex
        for number, tag in enumerate(route.tags):
            self._check_template(f"{key}.tags.{number}", tag, captures)
        if route.key.template is not None:
            self._check_template(f"{key}.key.template", route.key.template, captures)
        if "POST" in route.match.methods and "GET" not in route.match.methods:
            self._note(f"{key}.match.methods", 'answers to "POST" are kept for later GETs: name "GET" beside it')
        if route.mode is not Mode.OVERRIDE:
            for name in _only_in_override(route):
                self._note(f"{key}.{name}", 'needs mode = "override": in "rfc" mode RFC 9111 decides what is private')
        return self._policy(route, pattern, self._verdicts(f"{key}.verdicts", route.verdicts))

    def last(self) -> RoutePolicy:
        """What holds where no route matches."""
        route = Route(name=LAST_NAME, match=RouteMatch(path="**"))
        return self._policy(route, _EVERYTHING, ())

    def _policy(self, route: Route, pattern: PathPattern, verdicts: tuple[VerdictRule, ...]) -> RoutePolicy:
        defaults, store = self.config.defaults, self.config.store
        return RoutePolicy(
            name=route.name,
            pattern=pattern,
            methods=frozenset(route.match.methods),
            cache=route.cache,
            mode=route.mode,
            ttl=_first(route.ttl, defaults.ttl),
            ttl_by_status=route.ttl_by_status,
            negative_ttl=_first(route.negative_ttl, defaults.negative_ttl),
            jitter=_first(route.jitter, defaults.jitter),
            stale_while_revalidate=_first(route.stale_while_revalidate, defaults.stale_while_revalidate),
            stale_if_error=_first(route.stale_if_error, defaults.stale_if_error),
            stale_on_disconnect=_first(route.stale_on_disconnect, defaults.stale_on_disconnect),
            archive=_first(route.archive, defaults.archive),
            hold_off=_first(route.hold_off, defaults.hold_off),
            refresh_ahead=_first(route.refresh_ahead, defaults.refresh_ahead),
            heuristic=_first(route.heuristic, defaults.heuristic),
            client_directives=_first(route.client_directives, defaults.client_directives) is ClientDirectives.HONOUR,
            key=self._key(route),
            tags=route.tags,
            verdicts=verdicts,
            statuses=statuses_of(route),
            cookies_ignored=route.cookies is Cookies.IGNORE,
            store_set_cookie=route.store_set_cookie,
            store_private=route.store_private,
            store_no_store=route.store_no_store,
            authorization_ignored=route.authorization is Authorization.IGNORE,
            forward_fields=forward_fields_of(route),
            forward=tuple(name.lower() for name in route.forward),
            made_etag=_first(route.made_etag, defaults.made_etag),
            max_object=_first(route.max_object, store.max_object),
            max_variants=store.max_variants,
            expose_tags=_first(route.expose_tags, defaults.expose_tags),
            respond_async=route.respond_async,
        )

    def _key(self, route: Route) -> KeyRule:
        return KeyRule(
            template=route.key.template,
            query=QueryRule(route.key.query.sort, route.key.query.ignore),
            fields=tuple(sorted({name.lower() for name in route.key.fields})),
            host=self.config.upstream.host is HostSent.CLIENT,
        )

    def _pattern(self, key: str, text: str) -> PathPattern:
        try:
            return compile_pattern(text)
        except ValueError as error:
            self._note(key, f"{show(text)}: {error}")
            return _EVERYTHING

    def _check_template(self, key: str, template: str, captures: Mapping[str, int]) -> None:
        try:
            check_template(template, captures)
        except ValueError as error:
            strange = [name for name in _PLACEHOLDER.findall(template) if name not in captures]
            near = nearest(strange[0], captures) if strange else None
            self._note(key, f"{show(template)}: {error}" + (f"; did you mean {{{near}}}?" if near else ""))

    def _verdicts(self, key: str, rules: tuple[RouteVerdict, ...]) -> tuple[VerdictRule, ...]:
        compiled: list[VerdictRule] = []
        for place, rule in enumerate(rules):
            where = f"{key}.{place}"
            if rule.status is not None and rule.verdict is not Verdict.FAILURE:
                self._note(f"{where}.status", 'only a verdict "failure" can have another status')
            try:
                compiled.append(VerdictRule(rule.when, compile_condition(rule.when), rule.verdict, rule.status))
            except ValueError as error:
                self._note(f"{where}.when", f"{show(rule.when)} {error}")
        return tuple(compiled)

    def _note(self, key: str, problem: str) -> None:
        self.problems.append(ConfigError(key, problem))


def _only_in_override(route: Route) -> list[str]:
    """The keys by which it lifts what RFC 9111 forbids."""
    lifted = {
        "store_private": route.store_private,
        "store_no_store": route.store_no_store,
        "authorization": route.authorization is Authorization.IGNORE,
    }
    return [name for name, is_lifted in lifted.items() if is_lifted]


def _first(own: Any, common: Any) -> Any:
    return common if own is None else own
