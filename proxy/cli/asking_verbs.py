"""The verbs that only ask: ``explain``, ``stats`` and ``top``, with their options. Does nothing itself."""

from typing import Annotated

from cyclopts import Parameter

from proxy.cli.options import AdminFile, AdminUrl, AsJson, switch


def explain(
    method: Annotated[str, Parameter(name="METHOD", help="The request's method, as in GET.")],
    url: Annotated[str, Parameter(name="URL", help="An absolute URL, or path and query.")],
    /,
    *,
    header: Annotated[
        tuple[str, ...],
        switch("A header of it, 'Name: value'; may be repeated.", ["--header", "-H"]),
    ] = (),
    json: AsJson = False,
    admin: AdminUrl = None,
    config: AdminFile = None,
) -> int:
    """Say what a running Tambo would do about a request now, and why. Nothing is sent upstream."""
    from proxy.cli.explain import explain as verb  # noqa: PLC0415
    from proxy.cli.purge import Where  # noqa: PLC0415

    return verb(method, url, header, Where(config, admin), json_wanted=json)


def stats(
    *,
    json: AsJson = False,
    admin: AdminUrl = None,
    config: AdminFile = None,
) -> int:
    """Show a running Tambo in numbers: hit rate, results, upstream, seconds saved, tiers."""
    from proxy.cli.figures import stats as verb  # noqa: PLC0415
    from proxy.cli.purge import Where  # noqa: PLC0415

    return verb(Where(config, admin), json_wanted=json)


def top(
    order: Annotated[
        str, Parameter(name="BY", help="hits, slow or failing: by requests, by the slowest fetch, by failed fetches.")
    ] = "hits",
    /,
    *,
    json: AsJson = False,
    admin: AdminUrl = None,
    config: AdminFile = None,
) -> int:
    """Show the keys of the last 10 to 20 minutes that are asked for most, are slowest, or fail."""
    from proxy.cli.figures import top as verb  # noqa: PLC0415
    from proxy.cli.purge import Where  # noqa: PLC0415

    return verb(order, Where(config, admin), json_wanted=json)
