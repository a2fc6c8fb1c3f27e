"""A flight's outcome as bytes and back, for those who wait for it in other processes. Asks and stores nothing."""

from typing import Annotated, Final

import msgspec
from msgspec.structs import replace

from proxy.errors import UNASKED, Failure, UpstreamError
from proxy.exchange.leases import Ending, Note
from proxy.exchange.singleflight import Alone, Failed, FillOutcome, Shared, Spoken
from proxy.policy.disposition import NotStoredReason
from proxy.policy.messages import Fields, ResponseHead

MOST_SHARED: Final = 64 * 1024
"""Bytes of an unstored answer that are passed on to other processes; of a longer one each asks for its own."""


class _Spoken(msgspec.Struct, array_like=True, frozen=True):
    status: Annotated[int, msgspec.Meta(ge=100, le=999)]
    reason_phrase: str
    fields: tuple[tuple[str, str], ...]
    body: bytes
    reason: NotStoredReason
    upstream_status: int
    is_faulty: bool
    secondary_key: tuple[tuple[str, str | None], ...] = ()
    caller: str | None = None


class _Failed(msgspec.Struct, array_like=True, frozen=True):
    failure: Failure
    detail: str
    retry_after: int | None


_GONE: Final = Note(Ending.GONE)


def note_of(outcome: FillOutcome) -> Note:
    """What to leave behind."""
    match outcome:
        case Shared():
            return _GONE
        case Spoken(is_shared=True) if len(outcome.body) <= MOST_SHARED:
            head = outcome.head
            said = _Spoken(
                head.status,
                head.reason,
                head.fields.lines,
                outcome.body,
                outcome.reason,
                outcome.upstream_status,
                outcome.is_faulty,
                outcome.secondary_key,
                outcome.caller,
            )
            return Note(Ending.SPOKEN, msgspec.msgpack.encode(said))
        case Spoken(is_shared=True):
            return _GONE
        case Failed(error) if error.failure in UNASKED:
            return _GONE  # this process was too busy to ask: another one may not be
        case Failed(error):
            failed = _Failed(error.failure, error.detail, error.retry_after)
            return Note(Ending.FAILED, msgspec.msgpack.encode(failed))
        case Spoken() | Alone():
            return Note(Ending.ALONE)


def outcome_of(note: Note) -> Spoken | Failed | None:
    """What a note tells those who waited; None: nothing they could answer with. Never raises."""
    try:
        match note.ending:
            case Ending.SPOKEN:
                said = msgspec.msgpack.decode(note.data, type=_Spoken)
                head = ResponseHead(said.status, Fields(said.fields), said.reason_phrase)
                spoken = Spoken(head, said.body, said.reason, said.upstream_status, said.is_faulty)
                return replace(spoken, is_elsewhere=True, secondary_key=said.secondary_key, caller=said.caller)
            case Ending.FAILED:
                failed = msgspec.msgpack.decode(note.data, type=_Failed)
                return Failed(UpstreamError(failed.failure, failed.detail, failed.retry_after), is_elsewhere=True)
            case Ending.GONE | Ending.ALONE:
                return None
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
