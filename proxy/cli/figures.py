"""``tambo stats`` and ``tambo top``: ask a running Tambo for its figures, and print tables. Count nothing."""

import json
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, Final

from proxy.cli.admin_client import AdminClient
from proxy.cli.asking import with_client
from proxy.cli.exits import Exit, complain
from proxy.cli.purge import Where
from proxy.config.quantities import show_duration, show_size
from proxy.wording import hint

if TYPE_CHECKING:
    from rich.table import Table

ORDERS: Final = ("hits", "slow", "failing")
_PIPE_WIDTH: Final = 200


def stats(where: Where, *, json_wanted: bool) -> Exit:
    """Print the figures."""

    def ask(client: AdminClient) -> Exit:
        told = client.ask("GET", "/admin/stats")
        print(json.dumps(told)) if json_wanted else _print_pairs(list(_figures(told)))
        return Exit.OK

    return with_client("stats", where, ask)


def top(order: str, where: Where, *, json_wanted: bool) -> Exit:
    """Print the leading keys; NOTHING where there are none."""
    if order not in ORDERS:
        complain(f"top: there is no order {order!r}{hint(order, ORDERS, 'orders')}")
        return Exit.USAGE

    def ask(client: AdminClient) -> Exit:
        told = client.ask("GET", f"/admin/top?by={order}")
        if json_wanted:
            print(json.dumps(told))
        elif told["keys"]:
            _print_keys(told)
        else:
            complain(f"top: no key to show; the figures are of the last {_span(told['seconds'])}")
        return Exit.OK if told["keys"] else Exit.NOTHING

    return with_client("top", where, ask)


# Words -----------------------------------------------------------------------------------------------------------


def _figures(told: dict[str, Any]) -> Iterator[tuple[str, str]]:
    requests, upstream, saved = told["requests"], told["upstream"], told["saved_seconds"]
    mode, left = told["mode"]["mode"], told["mode"]["seconds_left"]
    yield "tambo", f"{told['version']}, up {_span(told['uptime'])}, {_count(told['workers'], 'worker')}"
    yield "health", f"{told['health']['status']}, redis {told['health']['redis']}"
    yield "mode", mode if left is None else f"{mode} for {_span(left)} more"
    rate = requests["hit_rate"]
    yield "hit rate", "no request yet" if rate is None else f"{rate:.1%} of {_count(requests['total'], 'request')}"
    yield "requests", _table_of(requests["by_result"])
    latency = upstream["latency"]
    speed = f"; half within {latency['p50']:g} s, 95% within {latency['p95']:g} s" if latency["count"] else ""
    yield "upstream", f"{_count(upstream['requests'], 'request')}, {upstream['failed']:g} failed{speed}"
    yield "now", f"{upstream['inflight']} in flight, {upstream['queue_depth']} waiting"
    yield "shed", _table_of(upstream["shed"])
    yield "breaker", upstream["breaker"] or "off"
    yield "left alone", _table_of(upstream["held"])
    by = ", ".join(f"{name} {_span(seconds)}" for name, seconds in saved["by"].items() if seconds)
    yield "time saved", f"{_span(saved['total'])} of the upstream's{f' ({by})' if by else ''}"
    for name, tier in told["tiers"].items():
        yield name, _tier(tier)


def _tier(tier: dict[str, Any]) -> str:
    words = ["up" if tier["up"] else "OUT"]
    if tier["entries"] is not None:
        words.append(_count(tier["entries"], "entry", "entries"))
    if tier["bytes"] is not None:
        words.append(show_size(tier["bytes"]))
    return ", ".join([*words, f"{_count(tier['evictions'], 'eviction')}"])


def _table_of(counts: dict[str, float]) -> str:
    ranked = sorted(counts.items(), key=lambda pair: -pair[1])
    return ", ".join(f"{name} {count:g}" for name, count in ranked if count) or "none"


def _count(number: float, one: str, many: str = "") -> str:
    return f"{number:g} {one if number == 1 else many or one + 's'}"


def _span(seconds: float) -> str:
    return show_duration(round(seconds) if seconds >= 1 else round(seconds, 3))


# Tables ----------------------------------------------------------------------------------------------------------


def _print_pairs(pairs: Sequence[tuple[str, str]]) -> None:
    from rich.table import Table  # noqa: PLC0415 - slow to import, and JSON needs none
    from rich.text import Text  # noqa: PLC0415

    table = Table(box=None, pad_edge=False, show_header=False)
    for name, value in pairs:
        table.add_row(Text(name), Text(value))
    _print(table)


def _print_keys(told: dict[str, Any]) -> None:
    from rich.table import Table  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    table = Table(box=None, pad_edge=False)
    for name in ("KEY", "ROUTE", "REQUESTS", "FETCHES", "MEAN", "SLOWEST", "FAILED", "LAST FAILURE"):
        is_word = name in {"KEY", "ROUTE", "LAST FAILURE"}
        table.add_column(name, justify="left" if is_word else "right", overflow="fold", no_wrap=not is_word)
    for row in told["keys"]:
        mean, worst = (f"{row[name]:.3f} s" if row[name] is not None else "-" for name in ("mean", "worst"))
        numbers = (f"{row['requests']:g}", f"{row['fetches']:g}", mean, worst, f"{row['failures']:g}")
        table.add_row(*(Text(cell) for cell in (row["key"], row["route"], *numbers, row["failure"] or "-")))
    _print(table)
    print(f"Of the last {_span(told['seconds'])}.")


def _print(table: "Table") -> None:
    from rich.console import Console  # noqa: PLC0415

    console = Console()
    (console if console.is_terminal else Console(width=_PIPE_WIDTH)).print(table)
