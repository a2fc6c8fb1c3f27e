"""Which keys a worker tells the others, and how."""

import asyncio
from pathlib import Path

import pytest

from proxy.clock import SystemClock
from proxy.store.backing import LoggedPurge
from proxy.store.hub.client import HubClient
from proxy.store.hub.company import HubCompany
from proxy.store.hub.replica import HubReplica
from proxy.store.hub.words import Changed
from tests.support.hubs import Line, a_hub


def _company(client: HubClient) -> HubCompany:
    return HubCompany(client, HubReplica(client, SystemClock(), lambda: ()))


async def test_what_one_changes_the_others_doubt_and_it_does_not() -> None:
    async with a_hub() as hubs:
        clients = [hubs.client(f"worker {number}") for number in range(3)]
        companies = list(map(_company, clients))
        doubted: list[list[str | None]] = [[], [], []]
        for company, doubts in zip(companies, doubted, strict=True):
            company.watch(doubts.append)
        await hubs.opened(*clients)
        companies[0].changed("/a")
        companies[0].changed("/b")
        companies[0].changed("/a")
        async with asyncio.timeout(5):
            while not doubted[1][1:] or not doubted[2][1:]:
                await asyncio.sleep(0.001)
        assert doubted == [[None], [None, "/a", "/b"], [None, "/a", "/b"]], "and anything, when they came"


@pytest.mark.parametrize("key", ["/" + "a" * 3000, "/" + "\u20ac" * 1000, "/\udc80"])
async def test_of_a_key_that_cannot_be_named_they_hear_that_it_may_be_any(key: str) -> None:
    client, line = HubClient(Path("nowhere"), "worker 0"), Line()
    client.connected(line)
    _company(client).changed(key)
    await asyncio.sleep(0)
    assert line.words[-1] == Changed(("",))


async def test_many_long_keys_go_in_words_that_can_be_sent() -> None:
    client, line = HubClient(Path("nowhere"), "worker 0"), Line()
    client.connected(line)
    company = _company(client)
    keys = ["/" + f"{number}".rjust(2000, "0") for number in range(1000)]
    for key in keys:
        company.changed(key)
    await asyncio.sleep(0)
    assert [key for word in line.words if isinstance(word, Changed) for key in word.keys] == keys


async def test_what_is_said_to_a_hub_that_was_given_up_is_lost_and_no_fault() -> None:
    client, line = HubClient(Path("nowhere"), "worker 0"), Line()
    client.connected(line)
    line.unsent = 1 << 40
    for _ in range(2):  # the loop tells of the loss only afterwards
        client.say(Changed(("/a",)))
    assert line.words.count(Changed(("/a",))) == 1
    assert line.is_cut


async def test_who_lost_the_hub_doubts_all_and_answers_nothing_from_memory() -> None:
    async with a_hub() as hubs:
        client = hubs.client()
        replica = HubReplica(client, SystemClock(), lambda: ())
        company, doubts = HubCompany(client, replica), list[str | None]()
        company.watch(doubts.append)
        await hubs.opened(client)
        replica.open(_Log())
        try:
            async with asyncio.timeout(5):
                while not replica.is_current():
                    await asyncio.sleep(0.001)
                await hubs.hub.close()
                while replica.is_current():
                    await asyncio.sleep(0.001)
            assert doubts == [None, None]
        finally:
            await replica.close()


async def test_a_hub_that_does_not_read_is_let_go_of() -> None:
    client, line = HubClient(Path("nowhere"), "worker 0"), Line()
    client.connected(line)
    company = _company(client)
    line.unsent = 100_000_000
    company.changed("/a")
    await asyncio.sleep(0)
    assert line.is_cut


class _Log:
    learnt = 0

    async def catch_up(self) -> None:
        """Nothing was logged."""

    def learn(self, before: int, logged: LoggedPurge) -> bool:
        """See Learner."""
        if before > self.learnt:
            return False
        self.learnt = max(self.learnt, logged.position)
        return True

    def start_over(self, position: int) -> None:
        """Nothing was dropped."""
