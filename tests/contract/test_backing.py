"""What every Backing promises, whatever it is made of (proxy/store/backing.py)."""

import asyncio
import contextlib
import time

import pytest

from proxy.errors import SupersededError
from proxy.exchange.purges import Purge, PurgeKind, PurgeMode
from proxy.policy.messages import StoredResponse
from proxy.store.backing import Backing, CarriedOut, Sweeps
from proxy.store.redis_store import RedisStore
from tests.support.builders import a_key, a_stored
from tests.support.clock import FakeClock
from tests.support.places import Give


def _of(language: str, body: bytes = b"x") -> StoredResponse:
    return a_stored(body, secondary_key=(("accept-language", language),))


def _languages(variants: object) -> set[str | None]:
    assert isinstance(variants, list | tuple)
    return {stored.secondary_key[0][1] for stored in variants}


async def test_nothing_is_found_at_first(backing: Backing) -> None:
    assert list((await backing.get(a_key())).variants) == []


@pytest.mark.parametrize("size", [0, 1, 1024, 1025, 300_000])
async def test_what_is_put_is_found_as_it_was(backing: Backing, size: int) -> None:
    stored = a_stored(bytes(number % 251 for number in range(size)), position=3, is_ended=True, tags=("a", "b"))
    await backing.put(a_key(), stored, 60)
    assert list((await backing.get(a_key())).variants) == [stored]


async def test_keys_are_told_apart(backing: Backing) -> None:
    keys = [a_key(text) for text in ("/a", "/A", "/a?", "/a ", "/a\xff", "/a*", "/" + "a" * 9000)]
    for number, key in enumerate(keys):
        await backing.put(key, a_stored(b"%d" % number), 60)
    found = [[stored.body for stored in (await backing.get(key)).variants] for key in keys]
    assert found == [[b"%d" % number] for number in range(len(keys))]


async def test_variants_stand_side_by_side_and_replace_their_like(backing: Backing) -> None:
    for language, body in (("es", b"1"), ("qu", b"2"), ("es", b"3")):
        await backing.put(a_key(), _of(language, body), 60)
    variants = (await backing.get(a_key())).variants
    assert sorted(stored.body for stored in variants) == [b"2", b"3"]


async def test_the_variants_of_a_key_are_bounded(backing: Backing) -> None:
    for number in range(12):
        await backing.put(a_key(), _of(str(number)), 60)
    variants = (await backing.get(a_key())).variants
    assert 1 <= len(variants) <= 8
    assert "11" in _languages(variants)


async def test_remove_takes_every_variant_and_counts_them(backing: Backing) -> None:
    await backing.put(a_key(), _of("es"), 60)
    await backing.put(a_key(), _of("qu"), 60)
    await backing.put(a_key("/b"), a_stored(), 60)
    assert await backing.remove(a_key()) == 2
    assert await backing.remove(a_key()) == 0
    assert list((await backing.get(a_key())).variants) == []
    assert len((await backing.get(a_key("/b"))).variants) == 1


async def test_purges_are_numbered_and_listed_in_order(backing: Backing) -> None:
    purges = [
        Purge(PurgeKind.URL, "/a\xff?b=1", PurgeMode.SOFT),
        Purge(PurgeKind.PREFIX, "/api/*", PurgeMode.HARD),
        Purge(PurgeKind.ALL, "", PurgeMode.SOFT),
    ]
    positions = [await backing.log_purge(purge) for purge in purges]
    assert positions == sorted(set(positions))
    listed = await backing.purges_after(positions[0] - 1)
    assert [(logged.position, logged.purge) for logged in listed] == list(zip(positions, purges, strict=True))
    assert [logged.purge for logged in await backing.purges_after(positions[1])] == purges[2:]
    assert list(await backing.purges_after(positions[2])) == []
    assert (await backing.get(a_key())).position == positions[2]


async def test_a_purge_remembers_who_wants_to_know(open_backing: Give) -> None:
    async with open_backing() as backing:
        position = await backing.log_purge(Purge(PurgeKind.ALL, "", PurgeMode.SOFT), "10.0.0.1 ñ")
        await backing.log_purge(Purge(PurgeKind.ALL, "", PurgeMode.SOFT))
    async with open_backing() as backing:
        assert [logged.by for logged in await backing.purges_after(position - 1)] == ["10.0.0.1 ñ", ""]


async def test_everything_is_there_after_a_restart(open_backing: Give) -> None:
    purge = Purge(PurgeKind.PREFIX, "/a", PurgeMode.SOFT)
    async with open_backing() as backing:
        await backing.put(a_key(), a_stored(b"kept"), 60)
        await backing.put(a_key("/removed"), a_stored(), 60)
        await backing.remove(a_key("/removed"))
        position = await backing.log_purge(purge)
    async with open_backing() as backing:
        assert [stored.body for stored in (await backing.get(a_key())).variants] == [b"kept"]
        assert list((await backing.get(a_key("/removed"))).variants) == []
        assert [(logged.position, logged.purge) for logged in await backing.purges_after(position - 1)] == [
            (position, purge)
        ]
        assert await backing.log_purge(purge) > position


async def test_many_at_once_come_out_right(backing: Backing) -> None:
    async def put_and_get(number: int) -> bytes:
        key = a_key(f"/{number}")
        await backing.put(key, a_stored(b"%d" % number), 60)
        (found,) = (await backing.get(key)).variants
        return found.body

    bodies = await asyncio.gather(*(put_and_get(number) for number in range(200)))
    assert bodies == [b"%d" % number for number in range(200)]


async def test_a_look_up_that_is_cancelled_harms_no_other(backing: Backing) -> None:
    await backing.put(a_key(), a_stored(b"right"), 60)
    for _ in range(20):
        task = asyncio.ensure_future(backing.get(a_key("/other")))
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        assert [stored.body for stored in (await backing.get(a_key())).variants] == [b"right"]


async def test_closing_twice_is_fine(backing: Backing) -> None:
    await backing.close()
    await backing.close()


async def test_a_sweep_carries_out_what_was_logged(backing: Backing) -> None:
    if not isinstance(backing, Sweeps):
        return  # it keeps its log instead, and reads compare
    for text in ("/a/1", "/a/2", "/b/1", "/c/1"):
        await backing.put(a_key(text), a_stored(target=text), 60)
    await backing.log_purge(Purge(PurgeKind.PREFIX, "/a", PurgeMode.HARD), "me")
    last = await backing.log_purge(Purge(PurgeKind.URL, "/b/1", PurgeMode.SOFT))
    await backing.put(a_key("/a/3"), a_stored(target="/a/3", position=last), 60)
    ended: list[CarriedOut] = []
    swept = await backing.sweep()
    ended += swept.ended
    while swept.more:
        swept = await backing.sweep()
        ended += swept.ended
    assert swept.carried_out == last
    assert [(each.logged.purge.argument, each.logged.by, each.count) for each in ended] == [
        ("/a", "me", 2),
        ("/b/1", "", 1),
    ]
    bodies = {
        text: list((await backing.get(a_key(text))).variants) for text in ("/a/1", "/a/2", "/a/3", "/b/1", "/c/1")
    }
    assert [text for text, variants in bodies.items() if variants] == ["/a/3", "/b/1", "/c/1"]
    assert [bodies[text][0].is_ended for text in ("/a/3", "/b/1", "/c/1")] == [False, True, False]
    await backing.forget_purges(last)
    assert list(await backing.purges_after(0)) == []
    assert await backing.log_purge(Purge(PurgeKind.ALL, "", PurgeMode.SOFT)) > last


@pytest.mark.parametrize(
    ("stored", "comes", "left"),
    [
        pytest.param(-10, -9, b"new", id="a later fetch"),
        pytest.param(-9, -10, b"old", id="an earlier fetch that comes late"),
        pytest.param(1800, -1, b"new", id="the clock was set back since"),
        pytest.param(7200, -1, b"new", id="the clock was set back by hours"),
    ],
)
async def test_a_fetch_that_comes_late_does_not_undo_a_later_one(
    open_backing: Give, clock: FakeClock, stored: float, comes: float, left: bytes
) -> None:
    """But what was stored later than now was stored by another clock."""
    for body, seconds in ((b"old", stored), (b"new", comes)):
        async with open_backing() as backing:
            now = time.time() if isinstance(backing, RedisStore) else clock.now()  # Redis gives fences by its own clock
            with contextlib.suppress(SupersededError):
                await backing.put(a_key(), a_stored(body, fence=int((now + seconds) * 1e6)), 60)
    async with open_backing() as backing:
        assert [found.body for found in (await backing.get(a_key())).variants] == [left]
