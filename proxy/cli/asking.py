"""What verbs that ask a running Tambo do alike: find its admin listener, turn refusals into exit codes."""

import os
from collections.abc import Callable

from proxy.cli.admin_client import AdminClient, AdminError, NotThereError, client_for
from proxy.cli.exits import Exit, complain, complain_of_config
from proxy.cli.purge import Where
from proxy.config.load import load
from proxy.config.problems import InvalidConfigError


def with_client(verb: str, where: Where, work: Callable[[AdminClient], Exit]) -> Exit:
    """Do ``work`` with the client for ``where``; what goes wrong is one line on standard error."""
    try:
        loaded = load(os.environ, file=where.file, needs_upstream=False)
        return work(client_for(loaded.config.admin, where.admin))
    except InvalidConfigError as error:
        return complain_of_config(error)
    except NotThereError as error:
        complain(f"{verb}: {error}")
        return Exit.NOTHING
    except AdminError as error:
        complain(f"{verb}: {error}")
        return Exit.FAILED
