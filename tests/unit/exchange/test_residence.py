"""What ends an epoch: everything that may change what look-ups find under many keys."""

import pytest

from proxy.exchange.operating import ModeSwitch, OperatingMode
from proxy.exchange.purges import Purge, PurgeKind, PurgeMode
from proxy.exchange.residence import Residence
from proxy.store.backing import LoggedPurge
from proxy.store.memory import Memory
from proxy.store.purge_log import PurgeLog
from tests.support.clock import FakeClock


@pytest.fixture
def residence() -> Residence:
    return Residence()


@pytest.mark.parametrize("mode", list(PurgeMode))
def test_a_purge_that_was_not_known_begins_an_epoch(residence: Residence, mode: PurgeMode) -> None:
    log = PurgeLog(residence=residence)
    logged = LoggedPurge(7, Purge(PurgeKind.URL, "/a", mode), 0.0)
    log.add(logged)
    assert residence.epoch == 1
    log.add(logged)
    log.advance(9)
    assert residence.epoch == 1, "nothing new was learnt"


def test_another_mode_begins_an_epoch(residence: Residence) -> None:
    ModeSwitch(FakeClock(), residence).set(OperatingMode.BYPASS)
    assert residence.epoch == 1


def test_a_doubt_about_everything_begins_an_epoch() -> None:
    memory = Memory(1 << 20, FakeClock())
    memory.doubt("/a")
    assert memory.residence.epoch == 0
    memory.doubt(None)
    assert memory.residence.epoch == 1
