"""A request's content on its way in: raw bytes, only as fast as somebody reads, and never slower than bearable."""

import asyncio
from collections.abc import Callable

from aiohttp import StreamReader

from proxy.clock import Clock
from proxy.edge.server.settings import ServerSettings
from proxy.errors import ClientError, ClientGoneError, afresh


class IncomingBody:
    """The RequestBody port over aiohttp's stream. Time counts only while somebody waits for the client.

    ``invite`` is called once before the first wait: it sends 100 where the client expects that.
    """

    def __init__(
        self,
        content: StreamReader,
        length: int | None,
        settings: ServerSettings,
        clock: Clock,
        invite: Callable[[], None] | None,
    ) -> None:
        self._content = content
        self._length = length
        self._settings = settings
        self._clock = clock
        self._invite = invite
        self._patience = settings.body_grace
        self._is_over = False

    @property
    def length(self) -> int | None:
        """Bytes announced by Content-Length; None when chunked."""
        return self._length

    def __aiter__(self) -> "IncomingBody":
        return self

    async def __anext__(self) -> bytes:
        """The next bytes. Raises ClientGoneError (left, or too slow) and ClientError (malformed)."""
        if self._is_over:
            raise ClientGoneError("the exchange is over")
        self._send_invitation()
        before = self._clock.monotonic()
        try:
            async with asyncio.timeout(min(self._settings.body_idle_timeout, self._patience)):
                piece = await self._content.readany()
        except TimeoutError:
            self._is_over = True
            raise ClientGoneError("it sent the request's content too slowly") from None
        except (ClientError, ClientGoneError) as error:
            self._is_over = True
            raise afresh(error) from None
        except RuntimeError as error:  # aiohttp's word for a connection that is closed
            self._is_over = True
            raise ClientGoneError(str(error)) from None
        if not piece:
            raise StopAsyncIteration
        self._settle(self._clock.monotonic() - before, len(piece))
        return piece

    def _send_invitation(self) -> None:
        invite, self._invite = self._invite, None
        if invite is not None and not self._content.total_bytes:
            invite()

    def _settle(self, waited: float, received: int) -> None:
        """Waiting uses patience up, bytes bring it back at the floor's rate, never above the grace."""
        patience = self._patience - waited + received / self._settings.body_floor
        self._patience = max(0.0, min(self._settings.body_grace, patience))

    def finish(self) -> None:
        """The exchange is over: whoever still reads is told so."""
        self._is_over = True
