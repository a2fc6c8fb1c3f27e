"""A tree becomes structs, or problems: for each kind of value what is right and what is told of what is not."""

import tomllib
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import pytest

from proxy.config.model import Config, Route
from proxy.config.reader import BAD, Reader
from proxy.config.secret import Secret
from proxy.config.tree import Leaf, Table, planted


def read(text: str) -> tuple[Any, Reader]:
    reader = Reader()
    return reader.section(Config, planted(tomllib.loads(text), "file")), reader


def problems_of(text: str) -> list[str]:
    _, reader = read(text)
    return [str(problem) for problem in reader.problems]


def test_nothing_said_means_the_defaults() -> None:
    config, reader = read("")
    assert config == Config()
    assert reader.provenance == {}


def test_every_kind_of_value() -> None:
    config, reader = read("""
        [admin]
        token = "s3cret"
        [upstream]
        timeout = { total = "30s" }
        concurrency.max = 4
        [store]
        memory = "64MiB"
        [defaults]
        jitter = "10%"
        made_etag = false
        [log]
        level = "DEBUG"
        [[routes]]
        name = "a"
        match = { path = "/a", methods = ["GET"] }
        ttl_by_status = { 404 = "1h", 410 = 5 }
        statuses = "all"
        verdicts = [{ when = "a", verdict = "failure", status = 502 }]
        [[routes]]
        name = "b"
        match.path = "/b"
        statuses = [200, 404]
    """)
    assert config.admin.token == Secret("s3cret")
    assert config.upstream.timeout.total == 30
    assert config.upstream.timeout.connect == 5
    assert config.upstream.concurrency.max == 4
    assert config.store.memory == 64 * 1024**2
    assert (config.defaults.jitter, config.defaults.made_etag) == (0.1, False)
    assert config.log.level == "debug"
    first, second = config.routes
    assert first.match.methods == ("GET",)
    assert first.ttl_by_status == {404: 3600, 410: 5}
    assert (first.statuses, second.statuses) == ("all", (200, 404))
    assert first.verdicts[0].status == 502
    assert reader.provenance["routes.a.ttl_by_status"] == "file"
    assert reader.provenance["routes.b.match.path"] == "file"


def test_a_list_of_words_and_numbers() -> None:
    config, reader = read('upstream.retries = { max = 2, on = [503, "connect"] }')
    assert config.upstream.retries.on == (503, "connect")
    assert reader.provenance["upstream.retries.on.0"] == "file"


def test_a_section_that_is_off_is_on_with_its_defaults_once_it_is_there() -> None:
    config, _ = read('upstream.breaker = { open = "5s" }')
    assert (config.upstream.breaker.open, config.upstream.breaker.failure_ratio) == (5, 0.5)


def test_everything_read_is_frozen() -> None:
    config, _ = read('[[routes]]\nname = "a"\nmatch.path = "/"\nttl_by_status = { 404 = 1 }')

    def check(value: object) -> None:
        assert not isinstance(value, list | dict | set)
        if isinstance(value, tuple):
            for item in value:
                check(item)
        elif isinstance(value, Mapping):
            assert isinstance(value, MappingProxyType)
        elif hasattr(value, "__struct_fields__"):
            with pytest.raises(AttributeError):
                setattr(value, value.__struct_fields__[0], None)
            for name in value.__struct_fields__:
                check(getattr(value, name))

    check(config)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("upstreem.url = 'x'", "file: upstreem: unknown key; did you mean 'upstream'?"),
        ("upstream.timeout.conect = 1", "file: upstream.timeout.conect: unknown key; did you mean 'connect'?"),
        ("log.zzz = 1", "file: log.zzz: unknown key; known here: format, level"),
        (
            'upstream.retries.on = ["conect"]',
            'upstream.retries.on.0: must be a whole number from 400 to 599 or "connect", not "conect"',
        ),
        ("upstream.retries.on = [200]", 'upstream.retries.on.0: must be a whole number from 400 to 599 or "connect"'),
        ("upstream.retries.on = [[502]]", 'upstream.retries.on.0: must be a whole number from 400 to 599 or "connect"'),
        ("upstream.breaker.failure_rate = 1", "unknown key; did you mean 'failure_ratio'?"),
        ("upstream.breaker.failure_ratio = 2", "file: upstream.breaker.failure_ratio: must be a part of one"),
        ("listen.port = 'x'", 'file: listen.port: must be a whole number from 0 to 65535, not "x"'),
        ("listen.port = '8080'", 'file: listen.port: must be a whole number from 0 to 65535, not "8080"'),
        ("listen.port = 70000", "file: listen.port: must be a whole number from 0 to 65535, not 70000"),
        ("listen.port = true", "file: listen.port: must be a whole number from 0 to 65535, not true"),
        ("listen.port = 1.0", "file: listen.port: must be a whole number from 0 to 65535, not 1.0"),
        ("listen.host = ''", 'file: listen.host: must be a text that is not empty, not ""'),
        ("listen = 1", "file: listen: must be a table, not 1"),
        ("listen.host = { a = 1 }", "file: listen.host: must be a text that is not empty, not a table"),
        ("listen.trusted_proxies = '10.0.0.0/8'", 'file: listen.trusted_proxies: must be a list, not "10.0.0.0/8"'),
        ("listen.trusted_proxies = [1]", "file: listen.trusted_proxies.0: must be a text, not 1"),
        ("upstream.timeout.total = 'x'", 'file: upstream.timeout.total: must be a duration such as "30s"'),
        (
            "upstream.timeout.total = 0",
            'file: upstream.timeout.total: must be a duration such as "30s" or "7d" of more',
        ),
        ("upstream.concurrency.max = 0", "file: upstream.concurrency.max: must be a whole number of at least 1, not 0"),
        ("upstream.concurrency.queue = -1", "queue: must be a whole number, not negative, not -1"),
        ("store.disk = '1KiB'", 'file: store.disk: must be a size such as "64MiB" of at least 1048576, not "1KiB"'),
        ("defaults.ttl = -1", "file: defaults.ttl: must be a duration"),
        ("defaults.jitter = 1.5", "file: defaults.jitter: must be a part of one such as 0.1"),
        ("defaults.made_etag = 'yes'", 'file: defaults.made_etag: must be true or false, not "yes"'),
        ("log.level = 'loud'", 'must be one of "debug", "info", "warning", "error", not "loud"'),
        ("log.level = 3", 'must be one of "debug", "info", "warning", "error", not 3'),
        ("routes = 1", "file: routes: must be a list, not 1"),
        ("routes = [1]", "file: routes.0: must be a table, not 1"),
        ("[[routes]]\nmatch.path = '/'", "file: routes.0.name: is missing"),
        ("[[routes]]\nname = 'a b'\nmatch.path = '/'", "routes.a b.name: must be 1-64 letters, digits, '_' or '-'"),
        ("[[routes]]\nname = 'a'\nmatch = {}", "file: routes.a.match.path: is missing"),
        (
            "[[routes]]\nname = 'a'\nmatch = { path = '/', methods = ['PUT'] }",
            'must be "GET", "HEAD", "QUERY" or "POST", not "PUT"',
        ),
        ("[[routes]]\nname = 'a'\nmatch = { path = '/', methods = [] }", "must be a list that is not empty"),
        (
            "[[routes]]\nname = 'a'\nmatch.path = '/'\nttl_by_status = { 999 = 1 }",
            "must be a whole number from 200 to 599",
        ),
        (
            "[[routes]]\nname = 'a'\nmatch.path = '/'\nttl_by_status = 5",
            "routes.a.ttl_by_status: must be a table, not 5",
        ),
        ("[[routes]]\nname = 'a'\nmatch.path = '/'\nstatuses = 'some'", 'must be a list or "all", not "some"'),
        ("[[routes]]\nname = 'a'\nmatch.path = '/'\nkey.fields = ['a b']", "must be a header field's name, not"),
        ("[[routes]]\nname = 'a'\nmatch.path = '/'\ntlt = 1", "file: routes.a.tlt: unknown key; did you mean 'ttl'?"),
    ],
)
def test_what_is_wrong_is_named(text: str, problem: str) -> None:
    (told,) = problems_of(text)
    assert problem in told


def test_all_problems_are_told_together() -> None:
    told = problems_of("listen.port = 'x'\nlog.zzz = 1\n[[routes]]\nttl = -1")
    assert [problem.split(": ")[1] for problem in told] == [
        "listen.port",
        "log.zzz",
        "routes.0.ttl",
        "routes.0.name",
        "routes.0.match",
    ]


def test_an_unknown_key_does_not_hide_the_rest() -> None:
    config, reader = read("log.zzz = 1\nlisten.port = 9")
    assert config.listen.port == 9
    assert len(reader.problems) == 1


def test_a_wrong_secret_is_not_shown() -> None:
    told = problems_of("admin.token = 12345\nstore.redis_url = ['redis://:pw@h']")
    assert told[0] == "file: admin.token: must be a text that is not empty"
    assert "pw" not in "".join(told)


@pytest.mark.parametrize(
    ("key", "text", "value"),
    [
        ("listen.port", "80", 80),
        ("defaults.made_etag", "off", False),
        ("listen.trusted_proxies", "10.0.0.0/8, ::1", ("10.0.0.0/8", "::1")),
        ("listen.trusted_proxies", '["10.0.0.0/8"]', ("10.0.0.0/8",)),
        ("upstream.concurrency", "{ max = 2 }", 2),
        ("routes", '[{ name = "a", match = { path = "/" } }]', "a"),
    ],
)
def test_text_may_stand_for_any_value(key: str, text: str, value: object) -> None:
    section, name = [*key.split("."), ""][:2]
    leaf = Leaf(text, "VARIABLE", is_text=True)
    reader = Reader()
    tree = Table({section: Table({name: leaf}, "VARIABLE") if name else leaf}, "VARIABLE")
    config = reader.section(Config, tree)
    assert reader.problems == []
    found = getattr(getattr(config, section), name) if name else config.routes[0].name
    assert getattr(found, "max", found) == value


@pytest.mark.parametrize("text", ["x", "1.5", "99999999999999999999", "", "-"])
def test_text_that_stands_for_no_number(text: str) -> None:
    reader = Reader()
    assert reader.value(int, Leaf(text, "PORT", is_text=True), "listen.port") is BAD
    assert reader.problems[0].source == "PORT"


def test_a_route_reads_alone() -> None:
    route = Reader().section(Route, planted({"name": "a", "match": {"path": "/"}}, "file"))
    assert route.match.methods == ("GET", "HEAD")
