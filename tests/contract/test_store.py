"""What the exchange is promised of its store (proxy/exchange/ports.py), over memory alone and over every Backing."""

import asyncio

import pytest
from msgspec.structs import replace

from proxy.exchange.entry_ids import entry_id
from proxy.exchange.purges import Purge, PurgeKind, PurgeMode
from proxy.policy.messages import StoredResponse
from proxy.store import stock
from proxy.store.tiered import FENCE, TieredStore
from tests.contract.conftest import OpenStore
from tests.support.builders import T0, a_key, a_stored
from tests.support.clock import FakeClock

SOFT, HARD = PurgeMode.SOFT, PurgeMode.HARD
KINDS = [
    pytest.param(Purge(PurgeKind.URL, "/a/1", HARD), id="url"),
    pytest.param(Purge(PurgeKind.PREFIX, "/a", HARD), id="prefix"),
    pytest.param(Purge(PurgeKind.PATTERN, "/*/1", HARD), id="pattern"),
    pytest.param(Purge(PurgeKind.TAG, "of /a/1", HARD), id="tag"),
    pytest.param(Purge(PurgeKind.ROUTE, "default", HARD), id="route"),
    pytest.param(Purge(PurgeKind.ALL, "", HARD), id="all"),
]
KEY = a_key("/a/1")


def _stored(
    store: TieredStore,
    body: bytes = b"1",
    target: str = "/a/1",
    language: str | None = None,
    position: int | None = None,
) -> StoredResponse:
    """Fetched now, unless another ``position`` is given."""
    return a_stored(
        body,
        target=target,
        tags=("all", f"of {target}", "all"),
        secondary_key=() if language is None else (("accept-language", language),),
        position=store.position if position is None else position,
        response_time=T0,
    )


def _softly(purge: Purge) -> Purge:
    return Purge(purge.kind, purge.argument, SOFT)


async def _bodies(store: TieredStore, text: str = "/a/1") -> list[bytes]:
    return sorted(stored.body for stored in (await store.lookup(a_key(text))).candidates)


async def test_what_is_put_is_found(store: TieredStore) -> None:
    assert await store.put(KEY, _stored(store), 60)
    assert list((await store.lookup(KEY)).candidates) == [_stored(store)]
    assert await _bodies(store, "/a/2") == []


async def test_a_second_look_up_gives_the_very_object(store: TieredStore) -> None:
    await store.put(KEY, _stored(store), 60)
    (first,) = (await store.lookup(KEY)).candidates
    (second,) = store.resident(KEY) or ()
    assert first is second


async def test_it_is_gone_when_its_time_is_over(store: TieredStore, clock: FakeClock) -> None:
    await store.put(KEY, _stored(store), 60)
    clock.advance(59)
    assert await _bodies(store) == [b"1"]
    clock.advance(1.5)
    if store.tiers[-1].tier != "redis":
        assert await _bodies(store) == []  # Redis goes by its own clock


async def test_variants_come_together_also_when_memory_has_only_some(open_store: OpenStore) -> None:
    async with open_store() as store:
        await store.put(KEY, _stored(store, b"es", language="es"), 60)
        if len(store.tiers) == 1:
            return
    async with open_store() as store:
        await store.put(KEY, _stored(store, b"qu", language="qu"), 60)
        assert store.resident(KEY) is None
        async with asyncio.timeout(5):
            while store.resident(KEY) is None:  # until Redis has told of all that we wrote ourselves
                assert await _bodies(store) == [b"es", b"qu"]
        assert len(store.resident(KEY) or ()) == 2


@pytest.mark.parametrize("purge", KINDS)
async def test_after_a_hard_purge_the_old_body_is_never_given(store: TieredStore, purge: Purge) -> None:
    for text in ("/a/1", "/b/1"):
        await store.put(a_key(text), _stored(store, target=text), 60)
    await store.purge(purge)
    assert await _bodies(store) == []
    assert store.resident(KEY) is None
    is_wide = purge.kind in (PurgeKind.ALL, PurgeKind.PATTERN, PurgeKind.ROUTE)
    assert await _bodies(store, "/b/1") == ([] if is_wide else [b"1"])


@pytest.mark.parametrize("kin", ["/a#q1", "/a?#s2", "/a?x=1#s2"])
async def test_a_url_takes_its_content_and_search_keys_along(open_store: OpenStore, kin: str) -> None:
    async with open_store() as store:
        for text in (kin, "/a", "/a?x=2", "/ab#q1", "/b#q1"):
            await store.put(a_key(text), _stored(store, target=text.partition("#")[0]), 60)
        await store.purge(Purge(PurgeKind.URL, "/a?x=1", HARD))
        await store.housekeeper.round()
        for text in (kin, "/a", "/a?x=2", "/ab#q1", "/b#q1"):
            assert await _bodies(store, text) == ([] if text == kin else [b"1"]), text


@pytest.mark.parametrize("purge", KINDS)
async def test_after_a_soft_purge_the_old_body_is_never_called_fresh(store: TieredStore, purge: Purge) -> None:
    await store.put(KEY, _stored(store), 60)
    await store.purge(_softly(purge))
    (stored,) = (await store.lookup(KEY)).candidates
    assert stored.is_ended
    (again,) = (await store.lookup(KEY)).candidates
    assert again is stored


@pytest.mark.parametrize("purge", KINDS)
async def test_a_fetch_begun_before_a_purge_cannot_bring_the_old_back(store: TieredStore, purge: Purge) -> None:
    begun = (await store.lookup(KEY)).position
    await store.purge(purge)
    assert not await store.put(KEY, _stored(store, position=begun), 60)
    assert await _bodies(store) == []
    assert store.purged_since(begun, KEY) is HARD


@pytest.mark.parametrize("purge", KINDS)
async def test_a_fetch_begun_before_a_soft_purge_is_stored_as_ended(store: TieredStore, purge: Purge) -> None:
    begun = (await store.lookup(KEY)).position
    await store.purge(_softly(purge))
    assert await store.put(KEY, _stored(store, position=begun), 60)
    (stored,) = (await store.lookup(KEY)).candidates
    assert stored.is_ended


@pytest.mark.parametrize("purge", KINDS)
async def test_a_fetch_begun_after_a_purge_is_stored_and_stays(
    store: TieredStore, purge: Purge, clock: FakeClock
) -> None:
    await store.put(KEY, _stored(store, b"old"), 3600)
    await store.purge(purge)
    begun = (await store.lookup(KEY)).position
    assert store.purged_since(begun, KEY) is None
    assert await store.put(KEY, _stored(store, b"new", position=begun), 3600)
    for _ in range(3):
        await store.housekeeper.round()
        assert await _bodies(store) == [b"new"]
        clock.advance(FENCE + 1)


@pytest.mark.parametrize("mode", PurgeMode)
async def test_a_url_purge_counts_its_variants(store: TieredStore, mode: PurgeMode) -> None:
    for language in ("es", "qu", "ay"):
        await store.put(KEY, _stored(store, language=language), 60)
    await store.put(a_key("/a/2"), _stored(store, target="/a/2"), 60)
    assert (await store.purge(Purge(PurgeKind.URL, "/a/1", mode), "me")).count == 3
    assert (await store.purge(Purge(PurgeKind.URL, "/never", mode), "me")).count == 0
    assert (await store.purge(Purge(PurgeKind.URL, "/a/1", HARD), "me")).count == (0 if mode is HARD else 3)
    assert await _bodies(store, "/a/2") == [b"1"]


@pytest.mark.parametrize("mode", PurgeMode)
async def test_a_url_purge_counts_what_was_stored_by_content_or_search_for_its_path(
    store: TieredStore, mode: PurgeMode
) -> None:
    if not store.keeps:
        return  # nothing but memory, which has no index
    for text in ("/a/1", "/a/1#q1", "/a/1?x=1#s2", "/a/1?x=1", "/a/10", "/a/10#q3"):
        await store.put(a_key(text), _stored(store, target=text), 60)
    assert (await store.purge(Purge(PurgeKind.URL, "/a/1", mode), "me")).count == 3
    assert (await store.purge(Purge(PurgeKind.URL, "/a/1", HARD), "me")).count == (0 if mode is HARD else 3)


@pytest.mark.parametrize("mode", PurgeMode)
async def test_a_tag_purge_counts_exactly(store: TieredStore, mode: PurgeMode, monkeypatch: pytest.MonkeyPatch) -> None:
    if not store.keeps:
        return
    monkeypatch.setattr(stock, "MOST_SECONDS", 60.0)  # however busy the machine is
    for number in range(700):
        text = f"/n/{number}"
        stored = replace(_stored(store, target=text), tags=("all", "odd" if number % 2 else "even"))
        await store.put(a_key(text), stored, 60)
    for language in ("es", "qu"):
        await store.put(KEY, replace(_stored(store, language=language), tags=("odd",)), 60)
    await store.put(KEY, replace(_stored(store, language="qu"), tags=("none",)), 60)  # it had the tag
    await store.purge(Purge(PurgeKind.URL, "/n/1", HARD))
    await store.purge(Purge(PurgeKind.PREFIX, "/n/3", HARD))  # gone, though its bytes may be there still
    gone = sum(str(number).startswith("3") for number in range(1, 700, 2)) + 1
    assert (await store.purge(Purge(PurgeKind.TAG, "odd", mode), "me")).count == 350 - gone + 1
    assert (await store.purge(Purge(PurgeKind.TAG, "odd", mode), "me")).count == (0 if mode is HARD else 350 - gone + 1)
    assert (await store.purge(Purge(PurgeKind.TAG, "od", mode), "me")).count == 0


@pytest.mark.parametrize("mode", PurgeMode)
async def test_a_tag_that_takes_too_long_to_count_is_counted_by_who_carries_it_out(
    store: TieredStore, mode: PurgeMode, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stock, "MOST_SECONDS", 0.0)
    for number in range(3):
        await store.put(a_key(f"/n/{number}"), _stored(store, target=f"/n/{number}"), 60)
    told: list[tuple[str, int, str]] = []
    store.housekeeper.on_carried_out = lambda done: told.append(
        (done.logged.purge.argument, done.count, done.logged.by)
    )
    assert (await store.purge(Purge(PurgeKind.TAG, "all", mode), "me")).count is None
    await store.housekeeper.round()
    if store.tiers[-1].tier == "disk":  # memory alone has nothing behind it; over Redis this is RedisRemoval's
        assert told == [("all", 3, "me")]


async def test_an_entry_leaves_alone(store: TieredStore) -> None:
    for language in ("es", "qu"):
        await store.put(KEY, _stored(store, language.encode(), language=language), 60)
    begun = store.position
    entry = entry_id(KEY.text, (("accept-language", "es"),))
    assert (await store.purge(Purge(PurgeKind.ENTRY, entry, HARD), "me")).count == 1
    assert await _bodies(store) == [b"qu"]
    assert store.purged_since(begun, KEY) is HARD  # what is being fetched may be that very one
    assert not await store.put(KEY, replace(_stored(store, language="es"), position=begun), 60)
    assert await store.put(KEY, replace(_stored(store, b"new", language="qu"), position=begun), 60)
    for _ in range(2):
        assert await _bodies(store) == [b"new"]
        await store.housekeeper.round()
    assert (await store.purge(Purge(PurgeKind.ENTRY, entry, HARD), "me")).count == 0


async def test_wide_purges_do_not_count(store: TieredStore) -> None:
    assert (await store.purge(Purge(PurgeKind.PREFIX, "/", HARD), "me")).count is None
    assert (await store.purge(Purge(PurgeKind.ALL, "", SOFT), "me")).count is None


async def test_a_prefix_is_no_pattern(store: TieredStore) -> None:
    await store.put(KEY, _stored(store), 60)
    for argument in ("/a/*", "/?/1", "/[a]/", "%", "_"):
        await store.purge(Purge(PurgeKind.PREFIX, argument, HARD))
    assert await _bodies(store) == [b"1"]


async def test_a_pattern_reaches_what_it_matches_and_a_route_what_it_stored(store: TieredStore) -> None:
    for text, route in (("/a/1/x", "r"), ("/a/2/y", "r"), ("/b/1/x", "s"), ("/b/2/x?q", "r")):
        await store.put(a_key(text), replace(_stored(store, target=text), route=route), 60)
    await store.purge(Purge(PurgeKind.PATTERN, "/b/*/x", HARD))
    await store.purge(Purge(PurgeKind.PATTERN, "/[ab]/1/?", HARD))
    for _ in range(2):
        found = [await _bodies(store, text) != [] for text in ("/a/1/x", "/a/2/y", "/b/1/x", "/b/2/x?q")]
        assert found == [True, True, False, False]
        await store.housekeeper.round()
    await store.put(a_key("/b/1/x"), replace(_stored(store, target="/b/1/x"), route="s"), 60)
    await store.purge(Purge(PurgeKind.ROUTE, "r", HARD))
    for _ in range(2):
        assert [await _bodies(store, text) != [] for text in ("/a/1/x", "/a/2/y", "/b/1/x")] == [False, False, True]
        await store.housekeeper.round()


async def test_a_tag_is_neither_a_prefix_nor_a_part_of_one(store: TieredStore) -> None:
    await store.put(KEY, _stored(store), 60)
    for argument in ("", "of", "of /a", "of /a/1 ", "OF /a/1", "%", "*"):
        await store.purge(Purge(PurgeKind.TAG, argument, HARD))
    assert await _bodies(store) == [b"1"]


async def test_a_tag_reaches_all_that_have_it_and_a_fetch_of_which_nobody_knows(store: TieredStore) -> None:
    for text in ("/a/1", "/a/2"):
        await store.put(a_key(text), _stored(store, target=text), 60)
    begun = store.position
    assert (await store.purge(Purge(PurgeKind.TAG, "all", HARD))).count is None  # nobody asked
    assert (await _bodies(store), await _bodies(store, "/a/2")) == ([], [])
    assert store.purged_since(begun, a_key("/new")) is HARD
    untagged = a_stored(b"new", target="/new", position=begun, response_time=T0)
    assert await store.put(a_key("/new"), untagged, 60)
    assert await _bodies(store, "/new") == [b"new"]


async def test_answers_and_purges_survive_a_restart(open_store: OpenStore) -> None:
    async with open_store() as store:
        for text in ("/a/1", "/b/1", "/c/1"):
            await store.put(a_key(text), _stored(store, target=text), 60)
        await store.purge(Purge(PurgeKind.URL, "/a/1", HARD))
        await store.put(a_key("/d/1"), _stored(store, target="/d/1"), 60)
        await store.purge(Purge(PurgeKind.PREFIX, "/b", SOFT))
        await store.purge(Purge(PurgeKind.TAG, "of /d/1", HARD))
        begun = store.position
        if len(store.tiers) == 1:
            return
    async with open_store() as store:
        assert await _bodies(store) == []
        assert await _bodies(store, "/d/1") == []
        assert [stored.is_ended for stored in (await store.lookup(a_key("/b/1"))).candidates] == [True]
        assert [stored.is_ended for stored in (await store.lookup(a_key("/c/1"))).candidates] == [False]
        assert store.position >= begun
        await store.purge(Purge(PurgeKind.ALL, "", HARD))
        assert await _bodies(store, "/c/1") == []


async def test_housekeeping_changes_nothing_that_can_be_seen(store: TieredStore, clock: FakeClock) -> None:
    for number in range(30):
        await store.put(a_key(f"/a/{number}"), _stored(store, target=f"/a/{number}", language="es"), 10 * FENCE)
        await store.put(a_key(f"/b/{number}"), _stored(store, target=f"/b/{number}", language="es"), 10 * FENCE)
    begun = (await store.lookup(KEY)).position
    await store.purge(Purge(PurgeKind.PREFIX, "/a", HARD))
    await store.purge(Purge(PurgeKind.PREFIX, "/b/1", SOFT))
    for number in range(300):
        await store.put(a_key(f"/c/{number}"), _stored(store, target="/c"), 10 * FENCE)
    await store.put(a_key("/d"), _stored(store, target="/d"), 10 * FENCE)
    await store.purge(Purge(PurgeKind.TAG, "of /c", HARD))
    for _ in range(3):
        assert await _bodies(store, "/c/299") == []
        assert await _bodies(store, "/d") == [b"1"]
        await store.housekeeper.round()
        for number in range(30):
            assert await _bodies(store, f"/a/{number}") == []
            (stored,) = (await store.lookup(a_key(f"/b/{number}"))).candidates
            assert stored.is_ended is str(number).startswith("1")
        assert not await store.put(KEY, _stored(store, position=begun - 1), 60)
        clock.advance(FENCE + 1)


async def test_purges_between_puts_and_look_ups_at_once(store: TieredStore) -> None:
    """Whoever began to look after a purge returned sees only what was fetched after it."""
    version = 0
    purged = 0

    async def write() -> None:
        nonlocal version
        for _ in range(40):
            begun = (await store.lookup(KEY)).position
            version += 1
            mine = version
            await asyncio.sleep(0)
            await store.put(KEY, _stored(store, b"%d" % mine, position=begun), 60)

    async def purge() -> None:
        nonlocal purged
        for number in range(20):
            before = version
            kind = (PurgeKind.URL, PurgeKind.PREFIX, PurgeKind.ALL)[number % 3]
            await store.purge(Purge(kind, "/a/1" if kind is not PurgeKind.ALL else "", HARD))
            purged = max(purged, before)

    async def look() -> None:
        for _ in range(200):
            least = purged
            for stored in (await store.lookup(KEY)).candidates:
                assert int(stored.body) > least
            await asyncio.sleep(0)

    await asyncio.gather(write(), purge(), look(), look())
