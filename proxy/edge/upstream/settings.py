"""What the upstream's client must be told. Reads no configuration and opens nothing."""

from typing import Final, Self
from urllib.parse import urlsplit

from msgspec import Struct

_DEFAULT_PORTS: Final = {"http": 80, "https": 443}


class Origin(Struct, frozen=True):
    """Where every request goes. ``prefix`` is put before each target; it has no trailing slash."""

    scheme: str
    host: str
    """A name, or an address without brackets."""
    port: int
    prefix: str = ""

    @classmethod
    def from_url(cls, url: str) -> Self:
        """From ``http://host:port/base``. Raises ValueError that says what is wrong with ``url``."""
        if not url.isascii() or any(character <= " " or character == "\x7f" for character in url):
            raise ValueError("must consist of printable ASCII without spaces")
        parts = urlsplit(url)
        if parts.scheme not in _DEFAULT_PORTS:
            raise ValueError("must begin with http:// or https://")
        if not parts.hostname:
            raise ValueError("names no host")
        if parts.username is not None or parts.password is not None:
            raise ValueError("must not contain credentials")
        if parts.query or parts.fragment:
            raise ValueError("must not contain a query or a fragment")
        port = _DEFAULT_PORTS[parts.scheme] if parts.port is None else parts.port
        return cls(parts.scheme, parts.hostname, port, parts.path.rstrip("/"))

    @property
    def is_tls(self) -> bool:
        """Whether connections are encrypted."""
        return self.scheme == "https"

    @property
    def authority(self) -> str:
        """What Host says: the port left out where it is the scheme's own (RFC 9110 §4.2.3)."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _DEFAULT_PORTS[self.scheme] else f"{host}:{self.port}"


class UpstreamSettings(Struct, frozen=True):
    """Deadlines in seconds, and bounds."""

    origin: Origin
    connect: float = 5.0
    """For a connection: waiting for a free one, name look-up, TCP and TLS together."""
    first_byte: float = 90.0
    """From the request being sent to the final response's head; interim responses do not prolong it."""
    idle: float = 60.0
    """Between bytes of a response's content, and for an upstream that stops reading the request's.
    Does not hold for event streams and after an upgrade."""
    keep_alive: float = 4.0
    """How long a connection nobody uses is kept: shorter than the 5 s after which common origins close theirs."""
    max_connections: int = 512
    """Open at once. Event streams and upgraded connections are not counted: each belongs to one client's connection,
    and those are bounded."""
    max_idle: int = 128
    """Kept open for the next request."""
    max_waiting: int = 1024
    """Requests that wait for a connection; further ones are refused at once."""
    ca_file: str | None = None
    """PEM file of the authorities that are trusted; None: the system's."""
