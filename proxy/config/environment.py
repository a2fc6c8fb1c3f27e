"""Lays environment variables over the tree: the short names, ``TAMBO_SECTION__KEY``, and ``*_FILE`` of secrets.

Understands no value.
"""

import re
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

from proxy.config.keys import hints_of, scalar_keys, secret_keys
from proxy.config.model import Config
from proxy.config.problems import show
from proxy.config.tree import Leaf, Table, graft
from proxy.errors import ConfigError
from proxy.wording import nearest

PREFIX = "TAMBO_"
RESERVED = frozenset({"TAMBO_CONFIG"})
SHORT_NAMES: Mapping[str, str] = MappingProxyType(
    {
        "UPSTREAM_URL": "upstream.url",
        "REDIS_URL": "store.redis_url",
        "HOST": "listen.host",
        "PORT": "listen.port",
        "ADMIN_HOST": "admin.host",
        "ADMIN_PORT": "admin.port",
        "ADMIN_TOKEN": "admin.token",
        "ADMIN_PREFIX": "admin.prefix",
        "WEB_CONCURRENCY": "listen.workers",
        "CACHE_TTL": "defaults.ttl",
        "DATA_DIR": "store.data_dir",
        "LOG_LEVEL": "log.level",
        "LOG_FORMAT": "log.format",
    }
)
_LINK = re.compile(
    r"TAMBO(_[A-Z0-9]+)*_(SERVICE_HOST|SERVICE_PORT(_[A-Z0-9]+)*|PORT(_[0-9]+_(TCP|UDP|SCTP)(_[A-Z]+)?)?)"
)
_PARTS = ("_SERVICE_PORT", "_TCP_PORT", "_UDP_PORT", "_SCTP_PORT")
"""What Kubernetes puts there for each service whose name begins with ``tambo``."""


def overlay(root: Table, environ: Mapping[str, str]) -> list[ConfigError]:
    """Lay the variables over ``root``; what is wrong with them. Variables that are not Tambo's are left alone."""
    problems: list[ConfigError] = []
    said_by: dict[str, str] = {}
    for variable, key in _named(environ):
        if key is None:
            near = nearest(variable, _variables())
            problem = f"unknown variable; did you mean {near}?" if near else "unknown variable; see TAMBO_SECTION__KEY"
            problems.append(ConfigError(variable, problem))
        elif (other := said_by.setdefault(key, variable)) != variable:
            problems.append(ConfigError(key, f"is set by both {other} and {variable}; set one of them", "environment"))
        else:
            problems.extend(_lay(root, variable, key, environ))
    return problems


def _named(environ: Mapping[str, str]) -> list[tuple[str, str | None]]:
    """Tambo's variables that are set, with the dotted key each stands for; None: no such key."""
    files = {f"{short}_FILE": key for short, key in SHORT_NAMES.items() if key in secret_keys()}
    files |= {f"{_variable(key)}_FILE": key for key in secret_keys()}
    named: list[tuple[str, str | None]] = []
    for variable in sorted(environ):
        if key := SHORT_NAMES.get(variable) or files.get(variable):
            named.append((variable, key))
        elif variable.startswith(PREFIX) and variable not in RESERVED and not _is_link(variable, environ[variable]):
            steps = variable.removeprefix(PREFIX).lower().split("__")
            is_known = steps[0] in hints_of(Config) and all(steps)
            named.append((variable, ".".join(steps) if is_known else None))
    return named


def _is_link(variable: str, value: str) -> bool:
    """Whether a platform put it there. TAMBO_PORT=8080 is somebody's mistake."""
    is_whole = variable.endswith("_PORT") and not variable.endswith(_PARTS) and "_SERVICE_PORT_" not in variable
    return _LINK.fullmatch(variable) is not None and ("://" in value or not is_whole)


def _lay(root: Table, variable: str, key: str, environ: Mapping[str, str]) -> list[ConfigError]:
    text, source = environ[variable].strip(), variable
    if variable.endswith("_FILE") and key in secret_keys():
        source = f"{variable} ({text})"
        try:
            text = Path(text).read_text(encoding="utf-8").strip()
        except (OSError, ValueError) as error:
            what = "not UTF-8 text" if isinstance(error, ValueError) else (error.strerror or "error").lower()
            return [ConfigError(key, f"the file {show(text)} cannot be read: {what}", variable)]
    problem = graft(root, key.split("."), Leaf(text, source, is_text=True))
    return [ConfigError(key, problem, variable)] if problem else []


def _variable(key: str) -> str:
    return PREFIX + key.upper().replace(".", "__")


def _variables() -> list[str]:
    return [*SHORT_NAMES, *(_variable(key) for key, _ in scalar_keys(Config)), *RESERVED]
