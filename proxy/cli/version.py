"""``tambo version``: what runs here."""

import json
import platform
from importlib.metadata import PackageNotFoundError, version

from proxy.cli.exits import Exit

_PARTS = ("aiohttp", "redis", "hiredis", "msgspec")


def show_version(*, as_json: bool) -> Exit:
    """Print the version of Tambo and Python; as JSON also of what they rest on."""
    if as_json:
        parts = {name: version_of(name) for name in _PARTS}
        print(json.dumps({"version": version_of("tambo"), "python": platform.python_version(), "packages": parts}))
    else:
        print(f"tambo {version_of('tambo')} (Python {platform.python_version()})")
    return Exit.OK


def version_of(package: str) -> str:
    """The installed version; ``unknown`` where it runs without being installed."""
    try:
        return version(package)
    except PackageNotFoundError:
        return "unknown"
