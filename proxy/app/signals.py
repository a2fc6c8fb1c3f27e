"""Signals that mean nothing at the moment: before there is somebody to obey them, and when nobody does any more."""

import asyncio
import signal


def ignore(*numbers: signal.Signals) -> None:
    """Do nothing on these, in place of what was done so far; their default would end the process."""
    loop = asyncio.get_running_loop()
    for number in numbers:
        loop.remove_signal_handler(number)
        signal.signal(number, signal.SIG_IGN)
