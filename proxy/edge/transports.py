"""One thing about transports that versions of Python do differently. Knows no protocol."""

import asyncio
from contextlib import suppress


def cut(transport: asyncio.WriteTransport) -> None:
    """Abort ``transport``; nothing happens to one that is gone already.

    Python before 3.11.5 raises AttributeError when a TLS transport is aborted after it has closed.
    """
    with suppress(AttributeError):
        transport.abort()
