"""Messages over a pair of sockets: whole, in order, and an end that is noticed."""

import asyncio
import socket
import struct

import uvloop

from proxy.app.workers.channel import to_supervisor, to_worker
from proxy.app.workers.messages import Commit, Counted, Failed, Prepare, Ready, Setup, Start

SETUP = Setup("tambo.toml", '[[routes]]\nname = "ñ"\n' * 100_000, (("listen.port", "1", "--port"),))


async def test_what_is_said_is_heard_and_an_end_as_well() -> None:
    here, there = socket.socketpair()
    worker, supervisor = await to_worker(here), await to_supervisor(there)
    start = Start(3, None, "/run/x", (4, 5), SETUP, SETUP, 2, "offline", 1.5)
    for order in (start, Prepare(SETUP, 3), Commit()):
        await worker.say(order)
        assert await supervisor.hear() == order
    for word in (Ready(), Failed("no", is_config=True), Counted("tambo_x 1\n")):
        await supervisor.say(word)
        assert await worker.hear() == word
    await supervisor.closed()
    assert await worker.hear() is None
    await worker.say(Commit())  # nobody hears it
    worker.close()


def test_a_setup_is_the_file_that_was_read_and_none_is_none() -> None:
    assert SETUP.file is not None
    assert (SETUP.file.shown, SETUP.file.text) == ("tambo.toml", SETUP.text)
    assert Setup(None, "", ()).file is None


def test_what_is_said_to_one_who_was_killed_is_lost_and_no_fault() -> None:
    async def saying() -> None:
        with socket.create_server(("127.0.0.1", 0)) as listening:
            here = socket.create_connection(listening.getsockname())
            worker = await to_worker(here)
            there, _ = listening.accept()
            there.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            there.close()
            for _ in range(100):
                await worker.say(Commit())
                await asyncio.sleep(0)
            worker.close()

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(saying())
