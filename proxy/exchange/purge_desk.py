"""Where operators' purges come in, whichever way: carries them out or tries them, and says what came of it, as values
for JSON. Reads no request and writes no answer."""

import logging
from collections.abc import Callable
from typing import Final

from msgspec import Struct

from proxy.exchange.entry_ids import entry_id
from proxy.exchange.inventory import Inventory, Tally
from proxy.exchange.purge_history import PurgeHistory
from proxy.exchange.purges import AskedMode, PurgeKind, PurgeMode
from proxy.exchange.purging import Purger

LOG: Final = logging.getLogger("tambo.admin")

OK: Final = 200
MULTI_STATUS: Final = 207
TRIAL_SECONDS: Final = 2.0
"""For counting what a purge would meet."""
NOT_KNOWN: Final = (
    "The store cannot be written, or did not answer in time: "
    "this may or may not have been carried out. Trying again is safe."
)
"""What is said of a write that failed: a Redis that hangs carries out what it was sent when it goes on."""


class PurgeWish(Struct, frozen=True):
    """A purge that was asked for. ``dry_run``: only tell what it would meet."""

    kind: PurgeKind
    argument: str
    mode: AskedMode
    dry_run: bool = False


class Said(Struct, frozen=True):
    """What is answered: a status, and what JSON is made of."""

    status: int
    values: dict[str, object]


class PurgeDesk(Struct, frozen=True):
    """One desk for the admin API and the public port's PURGE."""

    purger: Purger
    inventory: Inventory
    on_purge: Callable[[str, str, int | None], None]
    """Told kind, mode and count of each purge that was carried out."""
    history: PurgeHistory | None = None

    async def serve(self, wish: PurgeWish, by: str) -> Said:
        """Carry it out, or try it; ``by`` names who asked. Raises ClientError and StoreUnavailable."""
        if wish.dry_run:
            return Said(OK, _tried(wish, await self._try(wish)))
        purged = await self.purger.purge(wish.kind, wish.argument, wish.mode, by)
        self.on_purge(wish.kind, wish.mode, purged.count)
        about = {"kind": wish.kind.value, "argument": wish.argument, "mode": wish.mode.value, "count": purged.count}
        if self.history is not None:
            self.history.note(about, by)
        LOG.info("purged", extra=about | {"unconfirmed": purged.unconfirmed or None, "by": by})
        said: dict[str, object] = {"kind": wish.kind, "mode": wish.mode, "count": purged.count}
        if not purged.unconfirmed:
            return Said(OK, said)
        return Said(MULTI_STATUS, said | {"unconfirmed": purged.unconfirmed})

    async def _try(self, wish: PurgeWish) -> Tally:
        tally = Tally(0, True, 0.0, ())
        aims = self.purger.aimed(wish.kind, wish.argument, PurgeMode.SOFT)
        for aim in aims:
            tally = tally.with_another(await self.inventory.tally(aim, TRIAL_SECONDS / len(aims)))
        return tally


def _tried(wish: PurgeWish, tally: Tally) -> dict[str, object]:
    sample = [(row.key, row.stored) for row in tally.sample]
    return {
        "kind": wish.kind,
        "mode": wish.mode,
        "dry_run": True,
        "count": tally.count,
        "at_least": not tally.is_whole,
        "upstream_seconds": round(tally.cost, 3),
        "sample": [
            {"id": entry_id(key, stored.secondary_key), "target": stored.target, "cost": round(stored.cost, 6)}
            for key, stored in sample
        ],
    }
