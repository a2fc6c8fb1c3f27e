"""``tambo run``: reads the configuration and hands it to the application. Serves nothing itself."""

import gc
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from proxy.cli.exits import Exit, complain, complain_of_config
from proxy.config.load import load
from proxy.config.problems import InvalidConfigError
from proxy.errors import ConfigError


def run(file: str | None, options: Sequence[tuple[str, str, str]]) -> int:
    """Serve until told to stop; the exit code."""
    try:
        read = partial(load, os.environ, file=file, options=options, folder=Path.cwd())
        loaded = read()
        # Only a configuration that is right is worth the libraries' time to import.
        if loaded.config.listen.workers > 1:
            with _no_collection():
                from proxy.app.workers.supervisor import run as supervise  # noqa: PLC0415

            return supervise(loaded, read, options)
        with _no_collection():
            from proxy.app.run import run as serve  # noqa: PLC0415

        return serve(loaded, read)
    except InvalidConfigError as error:
        return complain_of_config(error)
    except ConfigError as error:
        complain(str(error))
        return Exit.CONFIG


@contextmanager
def _no_collection() -> Iterator[None]:
    """What an import makes stays: looking through it for garbage, again and again, takes a tenth of the start."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
