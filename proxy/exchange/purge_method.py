"""``PURGE <url>`` on the public port, for those callers for whom it is enabled; anyone else's goes on like any method.
Decides who may and answers as the admin API does; purges nothing itself."""

import hmac
import json
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from ipaddress import IPv4Network, IPv6Network, ip_address
from typing import Final, TypeAlias

from msgspec import Struct

from proxy.errors import ClientError, StoreUnavailable
from proxy.exchange.ports import Answer, OnInterim, RequestBody
from proxy.exchange.purge_desk import NOT_KNOWN, PurgeDesk, PurgeWish
from proxy.exchange.purges import AskedMode, PurgeKind
from proxy.policy import dispositions
from proxy.policy.heads import cache_status
from proxy.policy.messages import FieldLine, Fields, RequestHead, ResponseHead

METHOD: Final = "PURGE"
_ROUTE: Final = "none"

Handler: TypeAlias = Callable[[RequestHead, RequestBody | None, OnInterim | None], Awaitable[Answer]]


class PurgeCallers(Struct, frozen=True):
    """For whom it is enabled: those from these networks (none: from anywhere) who show this token (None: any)."""

    networks: tuple[IPv4Network | IPv6Network, ...] = ()
    token: str | None = None

    @property
    def is_anyone(self) -> bool:
        """Whether there is anybody."""
        return bool(self.networks) or self.token is not None

    def has(self, request: RequestHead) -> bool:
        """Whether it is enabled for who sent this."""
        return self.is_anyone and self._is_from_there(request.peer) and self._shows_token(request.fields)

    def _is_from_there(self, peer: str) -> bool:
        if not self.networks:
            return True
        try:
            address = ip_address(peer.partition(",")[0])  # the client; behind it the proxies that vouch for it
        except ValueError:
            return False
        mapped = getattr(address, "ipv4_mapped", None)
        return any((mapped or address) in network for network in self.networks)

    def _shows_token(self, fields: Fields) -> bool:
        if self.token is None:
            return True
        scheme, _, token = (fields.joined("authorization") or "").partition(" ")
        shown = token.strip().encode("utf-8", "replace")
        return scheme.lower() == "bearer" and hmac.compare_digest(shown, self.token.encode())


class PurgeMethod:
    """Stands before the exchange; ``answer`` is what it does instead of it, or hands on."""

    def __init__(self, callers: PurgeCallers, desk: PurgeDesk, answer: Handler) -> None:
        self._callers = callers
        self._desk = desk
        self._answer = answer

    async def answer(
        self, request: RequestHead, body: RequestBody | None, on_interim: OnInterim | None = None
    ) -> Answer:
        """Purge, or let the exchange answer. Raises as the exchange does."""
        if request.method != METHOD or not self._callers.has(request):
            return await self._answer(request, body, on_interim)
        try:
            said = await self._desk.serve(_wish(request), request.peer or "unknown")
        except ClientError as error:
            return _problem(error.status, error.problem)
        except StoreUnavailable:
            return _problem(HTTPStatus.SERVICE_UNAVAILABLE, NOT_KNOWN, ("Retry-After", "1"))
        return _told(said.status, "application/json", said.values)


def _wish(request: RequestHead) -> PurgeWish:
    said = request.fields.joined("x-purge")
    try:
        mode = AskedMode.SOFT if said is None else AskedMode(said.strip().lower())
    except ValueError:
        right = ", ".join(mode.value for mode in AskedMode)
        raise ClientError(HTTPStatus.BAD_REQUEST, f"X-Purge must be one of {right}, not {said!r}") from None
    url = f"http://{request.authority}{request.target}" if request.authority else request.target
    return PurgeWish(PurgeKind.URL, url, mode)


def _problem(status: int, detail: str, *more: FieldLine) -> Answer:
    return _told(status, "application/problem+json", {"type": "about:blank", "status": status, "detail": detail}, *more)


def _told(status: int, content_type: str, values: dict[str, object], *more: FieldLine) -> Answer:
    disposition = dispositions.purged()
    fields = Fields(
        (
            ("Content-Type", content_type),
            ("Cache-Control", "no-store"),
            *more,
            ("Cache-Status", cache_status(disposition)),
            ("X-Cache", disposition.x_cache),
        )
    )
    head = ResponseHead(status, fields, HTTPStatus(status).phrase)
    return Answer(head, json.dumps(values).encode(), disposition, _ROUTE)
