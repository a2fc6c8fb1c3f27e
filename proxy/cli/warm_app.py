"""The verb ``tambo warm``: its options and their help. Does nothing itself."""

from typing import Annotated

from cyclopts import Parameter

from proxy.cli.options import AdminFile, AdminUrl, switch


def warm(  # noqa: PLR0913 - each is an option of the command
    file: Annotated[
        str | None,
        Parameter(
            name="FILE", help="One URL a line, or path and query; - is standard input.", allow_leading_hyphen=True
        ),
    ] = None,
    /,
    *,
    template: Annotated[
        str | None, Parameter(help="A URL with one place in braces: the lines are values, as in /obtener-ruc/{ruc}.")
    ] = None,
    header: Annotated[
        tuple[str, ...], switch("A request field, 'Name: value'; may be repeated.", ["--header", "-H"])
    ] = (),
    force: Annotated[bool, switch("Fetch what is fresh, too.")] = False,
    parallel: Annotated[
        int | None, Parameter(help="How many at once; default: half of the places at the upstream.")
    ] = None,
    detach: Annotated[bool, switch("Begin the job and do not wait for it.")] = False,
    follow: Annotated[str | None, Parameter(help="Show this job until it ends.")] = None,
    cancel: Annotated[str | None, Parameter(help="End this job.")] = None,
    jobs: Annotated[bool, switch("List the jobs of the last days.")] = False,
    json: Annotated[bool, switch("One JSON object at the end, and no progress bar.")] = False,
    admin: AdminUrl = None,
    config: AdminFile = None,
) -> int:
    """Fetch a list of URLs behind every client; what is fresh is left alone. The token is ADMIN_TOKEN's.

    The job is Tambo's own: it goes on when this command is interrupted, and when Tambo is restarted.
    """
    from proxy.cli.purge import Where  # noqa: PLC0415 - each verb imports only what it needs
    from proxy.cli.warm import Errand  # noqa: PLC0415
    from proxy.cli.warm import warm as verb  # noqa: PLC0415

    errand = Errand(file, template, header, force, parallel, detach, follow, cancel, jobs)
    return verb(errand, Where(config, admin), json_wanted=json)
