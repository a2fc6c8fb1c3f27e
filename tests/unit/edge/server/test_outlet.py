"""What is sent together, and when what is held goes alone."""

import asyncio
from typing import cast

import pytest

from proxy.edge.server.outlet import Outlet
from proxy.errors import ClientGoneError


class Transport:
    """Remembers what it was handed."""

    def __init__(self) -> None:
        self.written: list[bytes] = []
        self.write = self.written.append
        self.is_gone = False

    def is_closing(self) -> bool:
        return self.is_gone


@pytest.fixture
def transport() -> Transport:
    return Transport()


@pytest.fixture
def outlet(transport: Transport) -> Outlet:
    return Outlet(cast("asyncio.Transport", transport), 1.0)


async def test_what_is_held_goes_with_what_comes_next(outlet: Outlet, transport: Transport) -> None:
    outlet.hold(b"head")
    assert not transport.written
    await outlet.send(memoryview(b"body"))
    await outlet.send(b"more")
    outlet.release()
    await asyncio.sleep(0)
    assert transport.written == [b"headbody", b"more"]
    assert outlet.sent == 12


async def test_it_goes_alone_when_nothing_comes(outlet: Outlet, transport: Transport) -> None:
    outlet.hold(b"head")
    await asyncio.sleep(0)
    assert transport.written == [b"head"]
    outlet.hold(b"next")
    outlet.release()
    outlet.release()
    await asyncio.sleep(0)
    assert transport.written == [b"head", b"next"]


async def test_nothing_is_held_for_who_is_gone(outlet: Outlet, transport: Transport) -> None:
    outlet.hold(b"head")
    transport.is_gone = True
    await asyncio.sleep(0)
    assert not transport.written
    with pytest.raises(ClientGoneError):
        outlet.hold(b"more")
