"""What only a part's own reader can say of a configuration, before that part is built. Builds nothing."""

import ssl

from proxy.config.load import Loaded
from proxy.config.problems import InvalidConfigError
from proxy.errors import ConfigError


def check_parts(loaded: Loaded) -> None:
    """Read what the store, the upstream's client and the tracer will. Raises InvalidConfigError: all that is wrong."""
    told = (_redis(loaded), _authorities(loaded), _tracing(loaded))
    wrong = [(key, problem) for key, problem in told if problem is not None]
    if wrong:
        raise InvalidConfigError([ConfigError(key, problem, loaded.provenance.get(key, "")) for key, problem in wrong])


def _redis(loaded: Loaded) -> tuple[str, str | None]:
    key, url = "store.redis_url", loaded.config.store.redis_url
    if url is None:
        return key, None
    from proxy.store.redis_address import parse_address  # noqa: PLC0415 - its library is slow to import

    try:
        parse_address(url.value)
    except ConfigError as error:
        return key, error.problem
    return key, None


def _authorities(loaded: Loaded) -> tuple[str, str | None]:
    key, path = "upstream.ca_file", loaded.config.upstream.ca_file
    if path is None:
        return key, None
    try:
        ssl.create_default_context(cafile=path)
    except OSError as error:  # ssl.SSLError is one
        return key, f"{path} holds no certificates that can be read: {error.strerror or error}"
    return key, None


def _tracing(loaded: Loaded) -> tuple[str, str | None]:
    key = "tracing.endpoint"
    if loaded.config.tracing.endpoint is None:
        return key, None
    from proxy.app.tracing import require_packages  # noqa: PLC0415 - an extra, and slow to import

    try:
        require_packages()
    except ConfigError as error:
        return key, error.problem
    return key, None
