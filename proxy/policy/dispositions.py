"""Every way an answer can come about, as the Disposition that header, log and metrics show. One row each; no rule."""

from proxy.policy.disposition import Disposition, ForwardReason, NotStoredReason, Result, StaleReason


def hit(ttl: int) -> Disposition:
    """Answered from a fresh stored response with ``ttl`` seconds left, or one as stale as its client takes it."""
    return Disposition(Result.HIT, "HIT" if ttl >= 0 else "STALE", hit=True, ttl=ttl)


def negative_hit(ttl: int) -> Disposition:
    """The same, of an answer that a verdict gave a short life."""
    return Disposition(Result.HIT, "NEGATIVE", hit=True, ttl=ttl)


def revalidating(ttl: int, *, is_running: bool) -> Disposition:
    """Stale, served at once; ``is_running``: a refresh had been begun before."""
    x_cache = "UPDATING" if is_running else "STALE"
    return Disposition(Result.STALE_REVALIDATE, x_cache, hit=True, ttl=ttl, detail=StaleReason.REVALIDATING)


def stood_in(ttl: int, reason: StaleReason) -> Disposition:
    """Stale, served because fetching failed."""
    if reason is StaleReason.ARCHIVE:
        return Disposition(Result.ARCHIVE, "ARCHIVE", hit=True, ttl=ttl, detail=reason)
    return Disposition(Result.STALE_ERROR, "STALE", hit=True, ttl=ttl, detail=reason)


def offline(ttl: int) -> Disposition:
    """From what is stored, however old: the operator said that nothing is to be fetched."""
    return Disposition(Result.OFFLINE, "OFFLINE", hit=True, ttl=ttl, detail=NotStoredReason.MODE)


def fetched(
    why: ForwardReason, status: int, not_stored: NotStoredReason | None, *, is_kept: bool = True
) -> Disposition:
    """Fetched, and stored; or it turned out that it must not be kept (``not_stored`` says why). ``is_kept``: there is
    something that could be done with it later."""
    if not_stored is not None:
        return bypassed(not_stored)
    is_stale = why is ForwardReason.STALE
    result, x_cache = (Result.EXPIRED, "EXPIRED") if is_stale else (Result.MISS, "MISS")
    return Disposition(result, x_cache, fwd=why, fwd_status=status, stored=is_kept)


def revalidated(why: ForwardReason, *, stored: bool) -> Disposition:
    """The upstream said 304: what was stored still holds."""
    return Disposition(Result.REVALIDATED, "REVALIDATED", fwd=why, fwd_status=304, stored=stored)


def collapsed(why: ForwardReason, *, is_elsewhere: bool = False) -> Disposition:
    """Answered by a fetch that another request had begun; ``is_elsewhere``: in another process."""
    return Disposition(Result.COALESCED, "COALESCED", fwd=why, collapsed=True, is_elsewhere=is_elsewhere)


def bypassed(reason: NotStoredReason) -> Disposition:
    """Not cacheable: by the request, the response, or the route."""
    return Disposition(Result.BYPASS, "BYPASS", fwd=ForwardReason.BYPASS, detail=reason)


def passed() -> Disposition:
    """An unsafe or unknown method went through."""
    return Disposition(Result.PASS, "BYPASS", fwd=ForwardReason.METHOD)


def head_miss(why: ForwardReason) -> Disposition:
    """A HEAD for which nothing usable is stored: answered by the upstream, not stored."""
    return Disposition(Result.MISS, "MISS", fwd=why)


def relayed_error(why: ForwardReason, status: int, reason: NotStoredReason) -> Disposition:
    """The upstream answered with an error that is not kept."""
    x_cache = "EXPIRED" if why is ForwardReason.STALE else "MISS"
    return Disposition(Result.MISS, x_cache, fwd=why, fwd_status=status, detail=reason)


def faulty(why: ForwardReason, status: int) -> Disposition:
    """A verdict called the answer a failure, and nothing stored could stand in."""
    return Disposition(Result.FAILURE, "MISS", fwd=why, fwd_status=status, detail="verdict-failure")


def unanswered(why: ForwardReason, code: str, *, is_collapsed: bool = False) -> Disposition:
    """Tambo answered by itself: there was no answer from the upstream, and nothing stored could stand in."""
    return Disposition(Result.ERROR, "MISS", fwd=why, collapsed=is_collapsed, detail=code)


def last_hop() -> Disposition:
    """Max-Forwards let the request go no further: Tambo is its recipient (RFC 9110 §7.6.2)."""
    return Disposition(Result.PASS, "BYPASS", detail="max-forwards")


def purged() -> Disposition:
    """A PURGE that an operator's configuration lets this caller send: Tambo is its recipient."""
    return Disposition(Result.PASS, "BYPASS", detail="purge")


def promised() -> Disposition:
    """The answer takes longer than its client waits, and is fetched behind (RFC 7240 §4.1)."""
    return Disposition(Result.MISS, "MISS", fwd=ForwardReason.URI_MISS, detail="respond-async")


def told() -> Disposition:
    """What has become of a promised answer: told by Tambo itself."""
    return Disposition(Result.PASS, "BYPASS", detail="respond-async")


def unsatisfiable() -> Disposition:
    """The client said only-if-cached, and nothing stored can serve it (RFC 9111 §5.2.1.7)."""
    return unanswered(ForwardReason.REQUEST, "only-if-cached")


def unreadable(status: int) -> Disposition:
    """A request that could not be read or whose client left, or a bug: nothing was looked up."""
    return Disposition(Result.ERROR, "BYPASS", detail=f"status-{status}" if status else "aborted")
