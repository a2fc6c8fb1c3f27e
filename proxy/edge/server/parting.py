"""How a connection ends: so that what was sent still arrives, and never later than bearable. Decides not when.

Closing a socket whose client is still sending resets it, and a reset destroys what the client has not read yet. So
where more may come, the end is announced first and what comes is swallowed for a while (RFC 9112 §9.6).
"""

import asyncio

from proxy.edge.server.settings import ServerSettings


class Parting:
    """The end of one connection."""

    __slots__ = ("_is_leaving", "_link", "_settings", "_swallowed", "is_over", "lingers")

    def __init__(self, link: asyncio.Transport, settings: ServerSettings) -> None:
        self._link = link
        self._settings = settings
        self._is_leaving = False
        self._swallowed = 0
        self.lingers = False
        """Whether the client may still be sending."""
        self.is_over = False
        """The connection is gone."""

    def swallow(self, size: int) -> None:
        """Bytes came that nobody will read."""
        if self._is_leaving:
            self._swallowed += size
            if self._swallowed > self._settings.lingering_bytes:
                self._link.abort()

    async def leave(self) -> None:
        """Close. Ends early, cancelled, with the connection."""
        if self._link.is_closing():
            return
        if self.lingers:
            self._is_leaving = True
            if self._link.can_write_eof():
                self._link.write_eof()
            self._link.resume_reading()
            await asyncio.sleep(self._settings.lingering_timeout)
        unsent = self._link.get_write_buffer_size()
        self._link.close()
        if unsent:
            self._await_reading(unsent + 1)

    def _await_reading(self, before: int) -> None:
        """Closed with bytes unsent: give the client time while it reads, and no more."""
        if self.is_over:
            return
        pending = self._link.get_write_buffer_size()
        if pending >= before:
            self._link.abort()
        else:
            loop = asyncio.get_running_loop()
            loop.call_later(self._settings.unread_timeout, self._await_reading, pending)
