"""``tambo run``: reads the configuration and hands it to the application. Serves nothing itself."""

import os
from collections.abc import Sequence
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
            from proxy.app.workers.supervisor import run as supervise  # noqa: PLC0415

            return supervise(loaded, read, options)
        from proxy.app.run import run as serve  # noqa: PLC0415

        return serve(loaded, read)
    except InvalidConfigError as error:
        return complain_of_config(error)
    except ConfigError as error:
        complain(str(error))
        return Exit.CONFIG
