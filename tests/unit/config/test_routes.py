"""Configured routes become the policy's, or problems."""

from typing import Any

import pytest

from proxy.config.model import (
    Authorization,
    ClientDirectives,
    Config,
    Cookies,
    Defaults,
    KeyQuery,
    Route,
    RouteKey,
    RouteMatch,
    RouteVerdict,
    Store,
)
from proxy.config.problems import InvalidConfigError
from proxy.config.routes import left_out, route_policies
from proxy.config.upstream import HostSent, Upstream
from proxy.policy.disposition import Verdict
from proxy.policy.route import DEFAULT_STATUSES, ForwardFields, Mode, RoutePolicy, compile_pattern, match_route


def route(name: str = "a", path: str = "/a/{id}", **more: Any) -> Route:
    return Route(name=name, match=RouteMatch(path=path), **more)


def policy(one: Route, **sections: Any) -> RoutePolicy:
    return route_policies(Config(routes=(one,), **sections))[0]


def problems_of(*routes: Route) -> list[str]:
    with pytest.raises(InvalidConfigError) as raised:
        route_policies(Config(routes=routes))
    return [str(problem) for problem in raised.value.problems]


def test_without_routes_there_is_the_built_in_one() -> None:
    (last,) = route_policies(Config())
    assert (last.name, last.mode, last.ttl) == ("default", Mode.RFC, 604_800)
    for path in ("/", "*", "/a\nb", ""):
        assert match_route((last,), "GET", path).route is last
    assert last.pattern.captures("/any/thing") == {}


def test_the_built_in_one_has_the_defaults() -> None:
    (last,) = route_policies(
        Config(defaults=Defaults(ttl=5, jitter=0.5, stale_if_error=7), store=Store(max_variants=3))
    )
    assert (last.ttl, last.jitter, last.stale_if_error, last.max_variants) == (5, 0.5, 7, 3)


def test_a_route_wins_over_the_defaults() -> None:
    defaults = Defaults(ttl=5, negative_ttl=6, archive=7, made_etag=False)
    taken = policy(route(ttl=0, max_object=9), defaults=defaults)
    assert (taken.ttl, taken.negative_ttl, taken.archive, taken.made_etag, taken.max_object) == (0, 6, 7, False, 9)


@pytest.mark.parametrize(
    ("mode", "said", "holds"),
    [
        (Mode.RFC, None, ForwardFields.ALL),
        (Mode.OVERRIDE, None, ForwardFields.STRICT),
        (Mode.OVERRIDE, ForwardFields.ALL, ForwardFields.ALL),
        (Mode.RFC, ForwardFields.STRICT, ForwardFields.STRICT),
    ],
)
def test_the_mode_says_which_fields_go_on(mode: Mode, said: ForwardFields | None, holds: ForwardFields) -> None:
    assert policy(route(mode=mode, forward_fields=said)).forward_fields is holds


@pytest.mark.parametrize(
    ("common", "own", "holds"),
    [
        (ClientDirectives.IGNORE, None, False),
        (ClientDirectives.HONOUR, None, True),
        (ClientDirectives.HONOUR, ClientDirectives.IGNORE, False),
        (ClientDirectives.IGNORE, ClientDirectives.HONOUR, True),
    ],
)
def test_whose_directives_are_honoured(common: ClientDirectives, own: ClientDirectives | None, *, holds: bool) -> None:
    taken = policy(route(client_directives=own), defaults=Defaults(client_directives=common))
    assert taken.client_directives is holds


def test_a_route_has_its_own_hold_off() -> None:
    assert policy(route(), defaults=Defaults(hold_off=9)).hold_off == 9
    assert policy(route(hold_off=0), defaults=Defaults(hold_off=9)).hold_off == 0


def test_guessing_and_standing_in_are_each_routes_own() -> None:
    defaults = Defaults(heuristic=True, stale_on_disconnect=9)
    common, own = policy(route(), defaults=defaults), policy(route(heuristic=False, stale_on_disconnect=0))
    assert (common.heuristic, common.stale_on_disconnect) == (True, 9)
    assert (own.heuristic, own.stale_on_disconnect) == (False, 0)


@pytest.mark.parametrize(("said", "holds"), [(None, DEFAULT_STATUSES), ("all", None), ((200,), frozenset({200}))])
def test_statuses(said: Any, holds: frozenset[int] | None) -> None:
    assert policy(route(statuses=said)).statuses == holds


def test_keys_and_fields() -> None:
    key = RouteKey(template="x:{id}", query=KeyQuery(sort=True, ignore=("utm_*",)), fields=("B", "a", "b"))
    taken = policy(route(key=key, forward=("X-A",), cookies=Cookies.IGNORE), upstream=Upstream(host=HostSent.CLIENT))
    assert (taken.key.template, taken.key.query.sort, taken.key.query.ignore) == ("x:{id}", True, ("utm_*",))
    assert taken.key.fields == ("a", "b")
    assert taken.key.host
    assert taken.forward == ("x-a",)
    assert taken.cookies_ignored


def test_verdicts_keep_their_order() -> None:
    rules = (RouteVerdict(when="a", verdict=Verdict.FAILURE, status=502), RouteVerdict(when="b", verdict=Verdict.PASS))
    taken = policy(route(verdicts=rules))
    assert [(rule.when, rule.verdict, rule.status) for rule in taken.verdicts] == [
        ("a", "failure", 502),
        ("b", "pass", None),
    ]
    assert taken.verdicts[0].condition.search({"a": 1}) == 1


@pytest.mark.parametrize(
    ("one", "problem"),
    [
        (route(path="a"), "routes.a.match.path: \"a\": a path pattern begins with '/'"),
        (route(path="/{id:(}"), "routes.a.match.path: "),
        (route(tags=("t:{idd}",)), 'routes.a.tags.0: "t:{idd}": {idd} is not captured by the path'),
        (route(tags=("t:{idd}",)), "did you mean {id}?"),
        (route(key=RouteKey(template="{id")), "routes.a.key.template: "),
        (
            route(verdicts=(RouteVerdict(when="a ==", verdict=Verdict.OK),)),
            'routes.a.verdicts.0.when: "a ==" is not JMESPath',
        ),
        (
            route(verdicts=(RouteVerdict(when="a", verdict=Verdict.OK, status=500),)),
            'only a verdict "failure" can have',
        ),
        (
            Route(name="a", match=RouteMatch(path="/a", methods=("POST",))),
            'routes.a.match.methods: answers to "POST" are kept for later GETs: name "GET" beside it',
        ),
        (route(store_private=True), 'routes.a.store_private: needs mode = "override"'),
        (route(store_no_store=True), 'routes.a.store_no_store: needs mode = "override"'),
        (route(authorization=Authorization.IGNORE), 'routes.a.authorization: needs mode = "override"'),
        (route(name="default"), 'routes.default.name: "default" is the built-in last route\'s name'),
    ],
)
def test_what_is_wrong_is_named(one: Route, problem: str) -> None:
    (told,) = problems_of(one)
    assert problem in told


def test_two_routes_of_one_name() -> None:
    assert problems_of(route(), route(path="/b")) == ['routes.1.name: "a" is another route\'s name already']


@pytest.mark.parametrize(
    ("template", "path", "parts"),
    [
        (None, "/{a}/**", []),
        ("x:{a}", "/{a}", []),
        ("x:{a}", "/{a}/{b}", ["{b}"]),
        ("x", "/{a}/**", ["{a}", "**"]),
    ],
)
def test_what_a_template_leaves_out(template: str | None, path: str, parts: list[str]) -> None:
    assert left_out(route(path=path, key=RouteKey(template=template)), compile_pattern(path)) == parts
