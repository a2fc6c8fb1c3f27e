"""Sends one request to the upstream, counts it, and sends it again where that is allowed and may help.

Knows neither stored responses nor clients. Nothing of a body has been read when it decides.
"""

import asyncio

from msgspec import Struct

from proxy.clock import Clock
from proxy.errors import Failure, UpstreamError
from proxy.exchange.causes import Cause
from proxy.exchange.ports import Fetched, Observer, OnInterim, Upstream, UpstreamAnswer, UpstreamRequest
from proxy.exchange.retrying import Retrier


class Asker(Struct, frozen=True):
    """The one way to the upstream."""

    upstream: Upstream
    observer: Observer
    clock: Clock
    retrier: Retrier

    async def ask(
        self, request: UpstreamRequest, route: str, cause: Cause, on_interim: OnInterim | None
    ) -> UpstreamAnswer:
        """The final head, and the body still to be read. Raises as ``Upstream.send`` does: the last try's failure."""
        tries = self.retrier.tries(request)
        while True:
            answer: UpstreamAnswer | None = None
            try:
                async with asyncio.timeout(tries.seconds_left):
                    answer = await self._send(request, route, cause, on_interim)
                pause = tries.after_answer(answer.head)
            except TimeoutError:
                raise UpstreamError(Failure.TIMEOUT, "no answer in time, asked again") from None
            except UpstreamError as error:
                pause = tries.after_failure(error)
                if pause is None:
                    raise
            if answer is not None:
                if pause is None:
                    return answer
                await answer.body.aclose()
            await asyncio.sleep(pause or 0.0)

    async def _send(
        self, request: UpstreamRequest, route: str, cause: Cause, on_interim: OnInterim | None
    ) -> UpstreamAnswer:
        started, outcome = self.clock.monotonic(), "cancelled"
        try:
            answer = await self.upstream.send(request, on_interim)
            outcome = f"{answer.head.status // 100}xx"
        except UpstreamError as error:
            outcome = error.failure
            raise
        finally:
            self.observer.fetched(Fetched(route, cause, outcome, self.clock.monotonic() - started))
        return answer
