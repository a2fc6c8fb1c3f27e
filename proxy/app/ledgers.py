"""Which ledger goes with which store: one in Redis, or a file beside the embedded store. Writes nothing."""

from pathlib import Path

from proxy.app.settings import upstream_id
from proxy.clock import Clock
from proxy.config.model import Config
from proxy.exchange.ledger import Ledger
from proxy.store.backing import Backing
from proxy.store.disk_ledger import DiskLedger


def make_ledger(config: Config, backing: Backing, clock: Clock) -> Ledger:
    """The ledger of all who share ``backing``, whose connections it uses where it is Redis."""
    if config.store.redis_url is None:
        return DiskLedger(Path(config.store.data_dir) / f"tambo-{upstream_id(config.upstream.url)}-jobs.sqlite", clock)
    from proxy.store.redis_ledger import RedisLedger  # noqa: PLC0415 - redis-py is slow to import
    from proxy.store.redis_store import RedisStore  # noqa: PLC0415

    assert isinstance(backing, RedisStore)  # noqa: S101 - made by the same URL
    return RedisLedger(backing.client, backing.namespace, clock)
