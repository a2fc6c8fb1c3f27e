"""Puts a configuration together: defaults < file < environment < command line. The one place that reads them all."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from msgspec import Struct

from proxy.config import checks
from proxy.config.environment import overlay
from proxy.config.file import FileText, Filler, locate, parsed, read_text
from proxy.config.keys import hints_of
from proxy.config.model import Config
from proxy.config.problems import InvalidConfigError, show
from proxy.config.reader import BAD, Reader
from proxy.config.routes import route_policies
from proxy.config.tree import Leaf, Table, graft
from proxy.errors import ConfigError
from proxy.policy.route import RoutePolicy
from proxy.wording import nearest


class Loaded(Struct, frozen=True):
    """A configuration that holds together.

    ``provenance`` says where each value that is not a default came from, by dotted key.
    """

    config: Config
    routes: tuple[RoutePolicy, ...]
    provenance: Mapping[str, str]
    warnings: tuple[str, ...]
    text: FileText | None
    """What the file said; None without one."""

    @property
    def file(self) -> str | None:
        """The file, as the operator calls it."""
        return None if self.text is None else self.text.shown

    def source_of(self, key: str) -> str:
        """Where a value came from."""
        return self.provenance.get(key, "default")


def load(
    environ: Mapping[str, str],
    *,
    file: str | None = None,
    options: Sequence[tuple[str, str, str]] = (),
    folder: Path | None = None,
    needs_upstream: bool = True,
) -> Loaded:
    """Read everything. ``options`` are the command line's: dotted key, text, and the option's name.

    ``needs_upstream`` is False for what only talks to a running Tambo: its upstream may then stay unsaid.
    Raises InvalidConfigError with every problem that was found.
    """
    path = locate(file, _said(environ), folder or Path.cwd())
    text = None if path is None else read_text(path, _shown(path, folder or Path.cwd()))
    return assemble(environ, text, options=options, needs_upstream=needs_upstream)


def assemble(
    environ: Mapping[str, str],
    text: FileText | None,
    *,
    options: Sequence[tuple[str, str, str]] = (),
    needs_upstream: bool = True,
) -> Loaded:
    """What ``load`` makes of a file that was read already; None: there is none. Raises InvalidConfigError."""
    environ = _said(environ)
    filler = Filler(environ)
    root = _filled(filler, text)
    problems = [*filler.problems, *overlay(root, environ), *_options(root, options)]
    reader = Reader()
    config = reader.section(Config, root)
    problems += reader.problems
    if config is BAD:
        raise InvalidConfigError(problems)
    provenance = {key: f"default ({name} is not set)" for key, name in filler.left_out.items()} | reader.provenance
    routes, wrong = _checked(config)
    if not (needs_upstream or config.upstream.url):
        wrong = [error for error in wrong if error.key != "upstream.url"]
    problems += [ConfigError(error.key, error.problem, _source(error.key, provenance)) for error in wrong]
    if problems:
        raise InvalidConfigError(problems)
    return Loaded(config, routes, provenance, tuple(checks.warnings(config, routes, reader.provenance)), text)


def _said(environ: Mapping[str, str]) -> Mapping[str, str]:
    """An empty variable is one that is not set: that is how compose leaves ${NAME:-}."""
    return {name: value for name, value in environ.items() if value.strip()}


def _filled(filler: Filler, text: FileText | None) -> Table:
    if text is None:
        return Table({}, "")
    root = filler.fill(parsed(text))
    return root if isinstance(root, Table) else Table({}, text.shown)


def _shown(path: Path, folder: Path) -> str:
    """The file as the operator would name it."""
    return str(path.relative_to(folder)) if path.is_relative_to(folder) else str(path)


def _options(root: Table, options: Sequence[tuple[str, str, str]]) -> list[ConfigError]:
    problems: list[ConfigError] = []
    for key, text, option in options:
        steps = key.split(".")
        if steps[0] not in hints_of(Config):
            near = nearest(steps[0], hints_of(Config))
            hint = f"did you mean {near!r}?" if near else f"known: {', '.join(hints_of(Config))}"
            problems.append(ConfigError(key, f"unknown section {show(steps[0])}; {hint}", option))
        elif problem := graft(root, steps, Leaf(text, option, is_text=True)):
            problems.append(ConfigError(key, problem, option))
    return problems


def _checked(config: Config) -> tuple[tuple[RoutePolicy, ...], list[ConfigError]]:
    wrong = checks.errors(config)
    try:
        return route_policies(config), wrong
    except InvalidConfigError as error:
        return (), [*wrong, *error.problems]


def _source(key: str, provenance: Mapping[str, str]) -> str:
    """Where the value came from, or what surrounds it; nothing where it is a default."""
    while key:
        if key in provenance:
            return provenance[key]
        key = key.rpartition(".")[0]
    return ""
