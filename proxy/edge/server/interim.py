"""Interim responses to one client (RFC 9110 §15.2): written before the final head begins. Waits for nobody."""

from collections.abc import Callable
from typing import Final

from proxy.edge.server.outlet import Outlet
from proxy.edge.server.wire import CONTINUE, render_head
from proxy.errors import ClientGoneError
from proxy.policy.messages import ResponseHead

MAX_BYTES: Final = 64 * 1024
"""Of interim responses to one request; what comes beyond is dropped, the final one is not."""
_CONTINUE: Final = 100


class InterimResponses:
    """What one request is told before its answer: nothing until ``open``. Who does not read is told nothing more."""

    __slots__ = ("_is_open", "_left", "_on_bug", "_outlet", "_owes_continue")

    def __init__(self, outlet: Outlet, on_bug: Callable[[str, BaseException], None]) -> None:
        self._outlet = outlet
        self._on_bug = on_bug
        self._is_open = self._owes_continue = False
        self._left = MAX_BYTES

    def open(self, *, expects_continue: bool) -> None:
        """The request was understood, and its client knows interim responses."""
        self._is_open, self._owes_continue = True, expects_continue

    def invite(self) -> None:
        """Say 100 to a client that expects it, once. Raises ClientGoneError."""
        if self._owes_continue and self._is_open:
            self._owes_continue = False
            self._outlet.write(CONTINUE)

    def forward(self, head: ResponseHead) -> None:
        """Write the upstream's 1xx response. A 100 only to a client that expects one (RFC 9110 §10.1.1)."""
        if not self._is_open or self._outlet.is_paused:
            return
        try:
            if head.status == _CONTINUE:
                self.invite()
            else:
                self._write(render_head(head, [], ""))
        except ClientGoneError:
            self.close()  # whoever writes the answer will notice
        except ValueError as bug:
            self._on_bug("rendering an interim response", bug)

    def close(self) -> None:
        """The final head begins: nothing may come between it and its content."""
        self._is_open = False

    def _write(self, text: bytes) -> None:
        if len(text) <= self._left:
            self._left -= len(text)
            self._outlet.write(text)
