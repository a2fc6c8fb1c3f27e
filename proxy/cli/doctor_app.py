"""The verb ``tambo doctor``: its options and its help. Does nothing itself."""

from typing import Annotated

from proxy.cli.options import AdminUrl, CheckedFile, switch


def doctor(
    *,
    json: Annotated[bool, switch("One JSON object.")] = False,
    admin: AdminUrl = None,
    config: CheckedFile = None,
) -> int:
    """Look at all that Tambo rests on: Redis, the data folder, the upstream; exit code 1 where something is wrong."""
    from proxy.cli.doctor import doctor as verb  # noqa: PLC0415 - each verb imports only what it needs
    from proxy.cli.purge import Where  # noqa: PLC0415

    return verb(Where(config, admin), json_wanted=json)
