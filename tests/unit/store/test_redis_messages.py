"""A channel's messages over one connection that stays subscribed."""

import asyncio

from fakeredis import FakeServer

from proxy.store.redis_messages import RedisMessages
from tests.support.fake_redis import a_client, a_redis_store


async def test_messages_arrive_and_a_new_connection_says_that_some_may_have_been_missed() -> None:
    server = FakeServer()
    store, publisher = a_redis_store(server), a_client(server)
    messages, heard = RedisMessages(store.client.dial, b"tambo:wake:1", 1.0), asyncio.Queue[bytes]()
    messages.listen(heard.put_nowait)
    messages.listen_to(b"tambo:wake:1:me")
    messages.open()
    assert await heard.get() == b""
    assert messages.is_connected
    for number, channel in enumerate(("tambo:wake:1", "tambo:wake:1:me", "tambo:wake:1", "tambo:wake:1:other")):
        await publisher.publish(channel, f"m{number}")
    await publisher.publish("tambo:wake:1", "last")
    assert [await heard.get() for _ in range(4)] == [b"m0", b"m1", b"m2", b"last"]
    await messages.close()
    assert not messages.is_connected
    await messages.close()
    await publisher.aclose()
    await store.close()


async def test_a_redis_that_is_not_there_is_tried_again() -> None:
    server = FakeServer()
    server.connected = False
    store = a_redis_store(server)
    messages, heard = RedisMessages(store.client.dial, b"tambo:wake:1", 1.0), asyncio.Queue[bytes]()
    messages.listen(heard.put_nowait)
    messages.open()
    await asyncio.sleep(0)
    assert heard.empty()
    server.connected = True
    assert await heard.get() == b""
    await messages.close()
    await store.close()
