"""What a worker and the hub say to each other, and how it is written: frames of MessagePack over a unix socket. Reads
and writes bytes only; what a word means is for the two sides to know.
"""

import struct
from typing import Final, TypeAlias

import msgspec

MOST_BYTES: Final = 256 * 1024
"""One frame at most; a note of a fetch's outcome is the largest word (proxy.exchange.notes.MOST_SHARED)."""
_LENGTH: Final = struct.Struct(">I")


class _Word(msgspec.Struct, array_like=True, frozen=True, tag=True):
    pass


# A worker to the hub, and back ------------------------------------------------------------------------------------


class Hello(_Word, frozen=True):
    """The first word of a worker."""

    name: str
    """What purgers call it."""


class Beat(_Word, frozen=True):
    """I am here, know the purge log up to ``learnt``, and hold these seats."""

    learnt: int
    seats: tuple[bytes, ...] = ()


class Beaten(_Word, frozen=True):
    """You were heard. ``forgotten``: the log may have lost purges up to here; ``keeps_house``: so you do the housework;
    ``least``: everyone who may answer from memory knows the log up to here."""

    forgotten: int
    keeps_house: bool
    least: int


class Take(_Word, frozen=True):
    """May I fetch this key? ``over``: a holder that does not count."""

    ask: int
    digest: bytes
    priority: int
    position: int
    over: str


class Given(_Word, frozen=True):
    """Yes; ``holder`` is the name of this lease."""

    ask: int
    holder: str
    fence: int


class Busy(_Word, frozen=True):
    """No, somebody else does. ``Ended`` follows when that is over."""

    ask: int
    holder: str
    position: int
    priority: int


class Lone(_Word, frozen=True):
    """Fetch it, each on his own: the last answer was its asker's only, a moment ago."""

    ask: int


class Urge(_Word, frozen=True):
    """A client waits for this key; the hub passes it on to who has its lease."""

    digest: bytes


class End(_Word, frozen=True):
    """My fetch is over; what it leaves to those who waited."""

    digest: bytes
    holder: str
    ending: str
    data: bytes = b""


class Ended(_Word, frozen=True):
    """That fetch is over."""

    digest: bytes
    holder: str
    ending: str
    data: bytes = b""


class Want(_Word, frozen=True):
    """The most urgent that waits at mine has this priority; None: nobody does. ``maximum``: seats there are."""

    priority: int | None
    maximum: int


class Seated(_Word, frozen=True):
    """A seat is yours."""

    token: bytes


class Release(_Word, frozen=True):
    """I give it back."""

    token: bytes


class Logged(_Word, frozen=True):
    """I have logged a purge at this position; tell me when everyone knows."""

    ask: int
    position: int


class Learn(_Word, frozen=True):
    """The log has grown up to this position: read it, and beat."""

    position: int


class Known(_Word, frozen=True):
    """Everyone knows that purge, or may not answer from memory; but for those who are named."""

    ask: int
    late: tuple[str, ...]


class Forgot(_Word, frozen=True):
    """I have dropped carried-out purges up to here from the log."""

    position: int


class Changed(_Word, frozen=True):
    """What is stored under these keys is another now. The hub passes it on to all others."""

    keys: tuple[str, ...]


class Setback(_Word, frozen=True):
    """A key failed (what is remembered of it, milliseconds until it is forgotten), or is well again (nothing, 0)."""

    digest: bytes
    value: bytes
    left: int


FromWorker: TypeAlias = Hello | Beat | Take | Urge | End | Want | Release | Logged | Forgot | Changed | Setback
FromHub: TypeAlias = Beaten | Given | Busy | Lone | Urge | Ended | Seated | Learn | Known | Changed | Setback

_ENCODER: Final = msgspec.msgpack.Encoder()
_READS_WORKER: Final = msgspec.msgpack.Decoder(FromWorker)
_READS_HUB: Final = msgspec.msgpack.Decoder(FromHub)


class GarbledError(Exception):
    """What came is not a word. The connection is of no more use."""


def frame(word: "FromWorker | FromHub") -> bytes:
    """A word as it is sent. Raises GarbledError where it is too long to be sent."""
    body = _ENCODER.encode(word)
    if len(body) > MOST_BYTES:
        raise GarbledError(f"{len(body)} bytes are too many for one word")
    return _LENGTH.pack(len(body)) + body


class Reader:
    """Takes bytes apart into frames, however they come."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes) -> list[bytes]:
        """The frames that are complete now. Raises GarbledError."""
        self._buffer += data
        found: list[bytes] = []
        at = 0
        while len(self._buffer) - at >= _LENGTH.size:
            (length,) = _LENGTH.unpack_from(self._buffer, at)
            if length > MOST_BYTES:
                raise GarbledError(f"a frame of {length} bytes")
            end = at + _LENGTH.size + length
            if len(self._buffer) < end:
                break
            found.append(bytes(self._buffer[at + _LENGTH.size : end]))
            at = end
        del self._buffer[:at]
        return found


def from_worker(body: bytes) -> FromWorker:
    """A worker's word. Raises GarbledError."""
    try:
        word: FromWorker = _READS_WORKER.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise GarbledError(str(error)) from None
    return word


def from_hub(body: bytes) -> FromHub:
    """The hub's word. Raises GarbledError."""
    try:
        word: FromHub = _READS_HUB.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise GarbledError(str(error)) from None
    return word
