"""What only a part's own reader can say of a configuration, before that part is built. Builds nothing."""

import ssl

from proxy.config.load import Loaded
from proxy.config.problems import InvalidConfigError
from proxy.errors import ConfigError


def check_parts(loaded: Loaded) -> None:
    """Read what the store and the upstream's client will read. Raises InvalidConfigError with all that is wrong."""
    wrong = [(key, problem) for key, problem in (_redis(loaded), _authorities(loaded)) if problem is not None]
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
