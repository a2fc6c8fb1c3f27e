"""What every Backing that can be looked through promises (Browsed in proxy/store/backing.py)."""

import random

import pytest

from proxy.exchange.entry_ids import entry_id
from proxy.exchange.inventory import Row
from proxy.exchange.purges import Purge, PurgeKind, PurgeMode
from proxy.policy.cache_key import CacheKey
from proxy.store.backing import Backing, Browsed
from proxy.store.redis_question import Command, Question, pack
from proxy.store.redis_store import RedisStore
from proxy.store.redis_transaction import no_answer
from tests.support.builders import T0, a_key, a_stored
from tests.support.clock import FakeClock

TARGETS = [
    "/a",
    "/a/1",
    "/a/2?x=1",
    "/a*",
    "/a?",
    "/[a]",
    "/b/1",
    "/b\\*",
    "/B/1",
    "/%2A",
    "/_",
    "/{a}",
    "/a^-z",
    "/" * 300,
]


def aimed(kind: PurgeKind, argument: str = "") -> Purge:
    return Purge(kind, argument, PurgeMode.SOFT)


async def everything(backing: Backing, aim: Purge, most: int = 100) -> list[Row]:
    assert isinstance(backing, Browsed)
    rows: list[Row] = []
    cursor, pages = b"", 0
    while pages == 0 or cursor:
        page = await backing.page(aim, cursor, most)
        rows += page.rows
        cursor, pages = page.cursor, pages + 1
        assert pages < 1000
    return rows


async def filled(backing: Backing) -> None:
    for number, target in enumerate(TARGETS):
        tags = ("even" if number % 2 == 0 else "odd", f"n:{number}", "*")
        stored = a_stored(b"x" * number * 500, target=target, tags=tags, route=f"r{number % 3}", cost=number)
        await backing.put(a_key(target), stored, 60)


async def test_an_empty_store_has_one_empty_page(backing: Backing) -> None:
    assert isinstance(backing, Browsed)
    for kind in (PurgeKind.ALL, PurgeKind.URL, PurgeKind.TAG, PurgeKind.PREFIX):
        page = await backing.page(aimed(kind, "/a"), b"", 10)
        assert (list(page.rows), page.cursor) == ([], b"")


async def test_a_row_says_what_is_stored_but_for_its_body(backing: Backing) -> None:
    stored = a_stored(b"x" * 3000, tags=("t",), secondary_key=(("accept", "a"),), cost=2.5, position=7)
    await backing.put(a_key("key"), stored, 60)
    (row,) = await everything(backing, aimed(PurgeKind.ALL))
    assert (row.key, row.length, row.stored.body) == ("key", 3000, b"")
    assert 0 < row.size < 3000
    assert row.stored == a_stored(b"", tags=("t",), secondary_key=(("accept", "a"),), cost=2.5, position=7)


@pytest.mark.parametrize("most", [1, 3, 100])
async def test_every_page_together_are_everything(backing: Backing, most: int) -> None:
    await filled(backing)
    rows = await everything(backing, aimed(PurgeKind.ALL), most)
    assert sorted({row.key for row in rows}) == sorted(TARGETS)


async def test_many_are_found_in_bounded_pages(backing: Backing) -> None:
    assert isinstance(backing, Browsed)
    for number in range(1500):
        await backing.put(a_key(f"/{number}"), a_stored(b"", target=f"/{number}", tags=("t",)), 60)
    for aim in (aimed(PurgeKind.ALL), aimed(PurgeKind.TAG, "t")):
        page = await backing.page(aim, b"", 50)
        assert 0 < len(page.rows) <= 500
        assert page.cursor
        assert {row.key for row in await everything(backing, aim)} == {f"/{number}" for number in range(1500)}


async def test_what_is_found_is_what_a_purge_would_meet(backing: Backing) -> None:
    """No character of a pattern, a prefix, a tag or a URL means anything to Redis or to SQLite."""
    await filled(backing)
    stored = [row.stored for row in await everything(backing, aimed(PurgeKind.ALL))]
    draw = random.Random(4)  # noqa: S311 - the same each time
    texts = ["/" + "".join(draw.choice("ab/*?[]\\%_{}^-12Bx=") for _ in range(draw.randint(0, 6))) for _ in range(60)]
    texts += ["/*", "*", "/a*", "/*1", "/?", "/[a-z]", "/a?", "/b\\*", "/{a}", "%", "_", "even", "n:*", "*", "n:1"]
    for kind in (PurgeKind.PREFIX, PurgeKind.PATTERN, PurgeKind.TAG, PurgeKind.URL, PurgeKind.ROUTE):
        for text in texts if kind is not PurgeKind.PATTERN else [text for text in texts if text[0] in "/*"]:
            aim = aimed(kind, text)
            expected = {
                one.target
                for one in stored
                if aim.concerns(CacheKey(one.target, one.target), one.target, one.tags, one.route)
            }
            assert {row.key for row in await everything(backing, aim)} == expected, aim


async def test_variants_stand_each_for_themselves(backing: Backing) -> None:
    assert isinstance(backing, Browsed)
    selected = [(), (("accept", "a"),), (("accept", None),)]
    for secondary in selected:
        await backing.put(a_key(), a_stored(secondary_key=secondary), 60)
    rows = await everything(backing, aimed(PurgeKind.URL, "/a"))
    assert {row.stored.secondary_key for row in rows} == set(selected)
    (row,) = await everything(backing, aimed(PurgeKind.ENTRY, entry_id("/a", selected[1])))
    assert row.stored.secondary_key == selected[1]


async def test_a_tag_is_no_longer_that_of_what_was_stored_anew_without_it(backing: Backing) -> None:
    await backing.put(a_key(), a_stored(tags=("old",)), 60)
    await backing.put(a_key(), a_stored(tags=("new",)), 60)
    assert await everything(backing, aimed(PurgeKind.TAG, "old")) == []
    assert len(await everything(backing, aimed(PurgeKind.TAG, "new"))) == 1


async def test_what_was_removed_is_not_found(backing: Backing) -> None:
    await backing.put(a_key(), a_stored(tags=("t",)), 60)
    await backing.remove(a_key())
    for aim in (aimed(PurgeKind.ALL), aimed(PurgeKind.TAG, "t"), aimed(PurgeKind.URL, "/a")):
        assert await everything(backing, aim) == []


@pytest.mark.parametrize("cursor", [b"x", b"|", b"a|b", b"\xff" * 3, b"-1"])
@pytest.mark.parametrize("kind", [PurgeKind.ALL, PurgeKind.TAG])
async def test_what_is_no_cursor_is_told(backing: Backing, cursor: bytes, kind: PurgeKind) -> None:
    assert isinstance(backing, Browsed)
    with pytest.raises(ValueError, match="cursor"):
        await backing.page(aimed(kind, "/a"), cursor, 10)


async def test_what_has_expired_is_not_found_in_the_file(backing: Backing, clock: FakeClock) -> None:
    if backing.tier != "disk":
        return  # Redis goes by its own clock
    await backing.put(a_key(), a_stored(response_time=T0), 60)
    clock.advance(61)
    assert await everything(backing, aimed(PurgeKind.ALL)) == []


async def test_something_else_under_our_names_is_left_out(backing: Backing) -> None:
    if not isinstance(backing, RedisStore):
        return
    await backing.put(a_key("/b"), a_stored(target="/b", tags=("t",)), 60)
    await backing.put(a_key("/a"), a_stored(tags=("t",)), 60)
    spoil: list[Command] = [(b"SET", b"tambo:1:/a", b"x"), (b"SET", b"tambo:tag:1:u", b"x")]
    await backing.client.run(Question("spoil", pack(spoil), 2, no_answer, at=b"tambo:1:/a"), 5.0)
    for aim in (aimed(PurgeKind.ALL), aimed(PurgeKind.TAG, "t")):
        assert [row.key for row in await everything(backing, aim)] == ["/b"]
    await backing.put(a_key("/c"), a_stored(target="/c", tags=("u",)), 60)
    assert [row.key for row in await everything(backing, aimed(PurgeKind.TAG, "u"))] == ["/c"]
