"""The command line ``tambo``: its verbs, their options and their help. Does nothing itself; each verb has a module.

Imports no server library: ``tambo version`` must not wait for one.
"""

import os
import sys
import traceback
from collections.abc import Sequence
from typing import Annotated, Literal

from cyclopts import App, CycloptsError, Parameter
from cyclopts.exceptions import UnknownCommandError, UnusedCliTokensError

from proxy.cli.asking_verbs import explain, stats, top
from proxy.cli.doctor_app import doctor
from proxy.cli.entries_app import app as entries_app
from proxy.cli.exits import Exit, complain
from proxy.cli.options import (
    EXIT_CODES,
    AdminFile,
    AdminUrl,
    AsJson,
    CheckedFile,
    OfRoute,
    Pattern,
    Prefix,
    Tag,
    examples,
    switch,
)
from proxy.cli.warm_app import warm
from proxy.wording import hint

app = App(
    name="tambo",
    help="A caching HTTP reverse proxy for slow JSON APIs.",
    help_epilogue=EXIT_CODES,
    help_format="plaintext",
    version_flags=[],
    suppress_keyboard_interrupt=False,
    result_action="return_value",
)


@app.command(
    help_epilogue=examples(
        "UPSTREAM_URL=http://localhost:8000 tambo run",
        "tambo run --upstream https://api.example.com --port 9000",
        "tambo run --config tambo.toml --set store.memory=64MiB",
    )
)
def run(
    *,
    config: CheckedFile = None,
    upstream: Annotated[str | None, Parameter(help="The API to stand in front of (UPSTREAM_URL).")] = None,
    port: Annotated[str | None, Parameter(help="The public port (PORT).")] = None,
    settings: Annotated[
        tuple[str, ...],
        switch("Any key of the file, KEY=VALUE; may be repeated.", "--set"),
    ] = (),
) -> int:
    """Serve until SIGTERM or Ctrl-C."""
    from proxy.cli.run import run as verb  # noqa: PLC0415 - each verb imports only what it needs

    options = [("upstream.url", upstream, "--upstream"), ("listen.port", port, "--port")]
    given = [(key, text, option) for key, text, option in options if text is not None]
    for setting in settings:
        key, mark, text = setting.partition("=")
        if not mark or not key.strip():
            complain(f"run: --set {setting!r} must be KEY=VALUE, as in --set store.memory=64MiB")
            return Exit.USAGE
        given.append((key.strip(), text.strip(), "--set"))
    return verb(config, given)


@app.command(
    help_epilogue=examples(
        "tambo check",
        "tambo check tambo.toml --json",
        "tambo check --strict   # fails where something valid will surprise",
    )
)
def check(
    file: Annotated[
        str | None, Parameter(name="FILE", help="The file; default: TAMBO_CONFIG, else ./tambo.toml if there.")
    ] = None,
    /,
    *,
    strict: Annotated[
        bool, switch("Warn of all that may surprise, as a route that another hides, and fail if there is any.")
    ] = False,
    json: Annotated[bool, switch("One JSON object: times in seconds, sizes in bytes, secrets masked.")] = False,
) -> int:
    """Validate the configuration; print what holds and where each value came from."""
    from proxy.cli.check import check as verb  # noqa: PLC0415

    return verb(file, json_wanted=json, strict=strict)


@app.command(
    help_epilogue=examples(
        "tambo schema > tambo.schema.json",
        "tambo schema purge   # of what tambo purge --json prints",
    )
)
def schema(
    verb: Annotated[
        tuple[str, ...],
        Parameter(name="VERB", help="A command; then of what it prints with --json.", show_default=False),
    ] = (),
    /,
) -> int:
    """Print the JSON Schema of the file, for editors that a first line "#:schema ./tambo.schema.json" leads to it."""
    from proxy.cli.schema import show_schema  # noqa: PLC0415

    return show_schema(" ".join(verb))


@app.command(
    help_epilogue=examples(
        "tambo purge /obtener-ruc/20999999019",
        "tambo purge --prefix /obtener-ruc/ --hard",
        "tambo purge --pattern '/api/*/obtener-ruc/*'",
        "tambo purge --tag ruc:20999999019 --refresh",
        "tambo purge --route ruc --dry-run",
        "tambo purge --all --admin http://10.0.0.5:8081",
    )
)
def purge(  # noqa: PLR0913 - each is an option of the command
    url: Annotated[
        str | None, Parameter(name="URL", help="An absolute URL, or path and query: with all its variants.")
    ] = None,
    /,
    *,
    prefix: Prefix = None,
    pattern: Pattern = None,
    tag: Tag = None,
    route: OfRoute = None,
    everything: Annotated[bool, switch("Everything.", "--all")] = False,
    hard: Annotated[bool, switch("Remove it; else it only stops being fresh.")] = False,
    refresh: Annotated[bool, switch("As without --hard, and fetch it again at once.")] = False,
    dry_run: Annotated[bool, switch("Purge nothing; say how much it would be.")] = False,
    json: AsJson = False,
    admin: AdminUrl = None,
    config: AdminFile = None,
) -> int:
    """Purge what is stored, in a running Tambo. The token is ADMIN_TOKEN's."""
    from proxy.cli.purge import Where, Wish  # noqa: PLC0415
    from proxy.cli.purge import purge as verb  # noqa: PLC0415

    wish = Wish(url, prefix, pattern, tag, route, everything, hard, refresh, dry_run)
    return verb(wish, Where(config, admin), json_wanted=json)


@app.command(
    help_epilogue=examples(
        "tambo mode",
        "tambo mode offline --for 30m",
        "tambo mode normal",
    )
)
def mode(
    mode: Annotated[
        str | None, Parameter(name="MODE", help="normal, offline or bypass; without it, the present one is shown.")
    ] = None,
    /,
    *,
    span: Annotated[str | None, Parameter(name="--for", help="How long, as in 30m; then normal again.")] = None,
    json: AsJson = False,
    admin: AdminUrl = None,
    config: AdminFile = None,
) -> int:
    """Show how a running Tambo works, or switch it: offline fetches nothing, bypass stores nothing."""
    from proxy.cli.mode import mode as verb  # noqa: PLC0415
    from proxy.cli.purge import Where  # noqa: PLC0415

    return verb(mode, span, Where(config, admin), json_wanted=json)


@app.command(
    help_epilogue=examples(
        "source <(tambo completion bash)",
        "tambo completion zsh > ~/.zfunc/_tambo",
        "tambo completion fish > ~/.config/fish/completions/tambo.fish",
    )
)
def completion(shell: Annotated[Literal["bash", "zsh", "fish"], Parameter(name="SHELL", help="For which.")], /) -> int:
    """Print a script that completes tambo's commands and options in a shell."""
    print(app.generate_completion(prog_name="tambo", shell=shell))
    return Exit.OK


@app.command(
    help_epilogue=examples(
        "tambo version",
        "tambo version --json",
    )
)
def version(*, json: Annotated[bool, switch("One JSON object, with the packages used.")] = False) -> int:
    """Print the version."""
    from proxy.cli.version import show_version  # noqa: PLC0415

    return show_version(as_json=json)


app.command(
    explain,
    help_epilogue=examples(
        "tambo explain GET /obtener-ruc/20999999019",
        "tambo explain GET 'https://api.example.com/items?page=2' -H 'Accept-Language: es'",
    ),
)
app.command(
    stats,
    help_epilogue=examples(
        "tambo stats",
        "tambo stats --json",
    ),
)
app.command(
    top,
    help_epilogue=examples(
        "tambo top",
        "tambo top slow",
        "tambo top failing --json",
    ),
)
app.command(entries_app)
app.command(
    doctor,
    help_epilogue=examples(
        "tambo doctor",
        "tambo doctor --config tambo.toml --json",
    ),
)
app.command(
    warm,
    help_epilogue=examples(
        "tambo warm urls.txt",
        "tambo warm --template '/obtener-ruc/{ruc}' rucs.txt",
        "cut -d, -f1 customers.csv | tambo warm --template '/obtener-ruc/{ruc}' - --parallel 2",
        "tambo warm --jobs",
    ),
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; its exit code. No traceback is shown, but with LOG_LEVEL=debug."""
    try:
        code = app(
            sys.argv[1:] if arguments is None else list(arguments),
            exit_on_error=False,
            print_error=False,
        )
        sys.stdout.flush()  # here, where a reader that has gone can still be met
    except CycloptsError as error:
        complain(_worded(error))
        return Exit.USAGE
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        # Whoever read our output has gone; nothing is left to say, not even at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return Exit.FAILED
    except Exception as error:  # noqa: BLE001 - the outermost boundary: an operator is not shown a traceback
        if os.environ.get("LOG_LEVEL", "").lower() == "debug":
            traceback.print_exc()
        complain(f"internal error: {type(error).__name__}: {error} (LOG_LEVEL=debug shows where)")
        return Exit.FAILED
    return code if isinstance(code, int) else Exit.OK


def _worded(error: CycloptsError) -> str:
    """What is wrong in one line, and where to read what would be right."""
    verb = " ".join(("tambo", *(error.command_chain or ())))
    match error:
        case UnusedCliTokensError():
            text = f"unexpected argument {(error.unused_tokens or ['?'])[0]!r}"
        case UnknownCommandError():
            word = (error.unused_tokens or ["?"])[0]
            text = f"there is no command {word[:100]!r}{hint(word, _verbs(error.app or app), 'commands')}"
        case _:
            text = " ".join(str(error).split()).rstrip(".")
    return f"{text} (see {verb} --help)"


def _verbs(group: App) -> list[str]:
    return [name for name in group if not name.startswith("-")]
