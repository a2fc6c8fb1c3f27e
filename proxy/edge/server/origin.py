"""Who asks, and how they say they asked: the socket's own word, or a trusted front proxy's. Resolves no names."""

from collections.abc import Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

from msgspec import Struct

from proxy.edge.server.target import is_authority
from proxy.policy.messages import Fields

Network = IPv4Network | IPv6Network
Address = IPv4Address | IPv6Address


class Origin(Struct, frozen=True):
    """The other end of a connection."""

    peer: str
    """Its address; empty when there is none (a Unix socket)."""
    scheme: str
    trusted: bool
    """Whether what it says of those behind it is believed."""
    networks: tuple[Network, ...] = ()

    def believed(self, fields: Fields, authority: str) -> tuple[str, str, str]:
        """Peer list, scheme and authority of a request that came from here."""
        if not self.trusted:
            return self.peer, self.scheme, authority
        scheme = _last(fields, "x-forwarded-proto").lower()
        host = _last(fields, "x-forwarded-host")
        return (
            ", ".join((*self._behind(fields.all("x-forwarded-for")), self.peer)),
            scheme if scheme in {"http", "https"} else self.scheme,
            host if host and is_authority(host) else authority,
        )

    def _behind(self, values: Sequence[str]) -> list[str]:
        """The addresses that trusted proxies vouch for, client first: read from the right, up to the first stranger."""
        chain: list[str] = []
        for member in reversed(",".join(values).split(",")):
            address = read_address(member.strip())
            if address is None:
                break
            chain.insert(0, str(address))
            if not is_within(address, self.networks):
                break
        return chain


def _last(fields: Fields, name: str) -> str:
    return (fields.joined(name) or "").rpartition(",")[2].strip()


def origin(peername: object, networks: tuple[Network, ...], *, secure: bool) -> Origin:
    """What a transport's ``peername`` tells."""
    host = peername[0] if isinstance(peername, tuple) and peername else ""
    address = read_address(str(host).partition("%")[0])
    return Origin(
        peer="" if address is None else str(address),
        scheme="https" if secure else "http",
        trusted=address is not None and is_within(address, networks),
        networks=networks,
    )


def is_within(address: Address, networks: tuple[Network, ...]) -> bool:
    """Whether an address belongs to one of the networks."""
    return any(address.version == network.version and address in network for network in networks)


def read_address(text: str) -> Address | None:
    """An address as X-Forwarded-For carries it, a port or brackets allowed; None when it is none. Never raises."""
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        address = ip_address(text)
    except ValueError:
        return None
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        return address.ipv4_mapped
    return address
