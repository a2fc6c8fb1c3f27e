"""How to ask for what nothing stored can answer: for the whole, a part, the rest of one, or one of several variants."""

from collections.abc import Sequence

from msgspec.structs import replace

from proxy.exchange.ask import Ask
from proxy.policy.completion import remainder
from proxy.policy.disposition import ForwardReason, Shareable
from proxy.policy.messages import StoredResponse
from proxy.policy.partial import has_part, passed_range
from proxy.policy.validation import offered, offering


def missing(ask: Ask, reason: ForwardReason, candidates: Sequence[StoredResponse]) -> Ask:
    """The ask with what it goes upstream with. ``reason``: why nothing of the candidates can answer it."""
    if has_part(ask.request, candidates):
        reason = ForwardReason.PARTIAL
    part = passed_range(ask.request, ask.route)
    if part.lines:
        return replace(ask, why=reason, conditional=part, is_alone=True)  # nobody else wants just that
    if reason is ForwardReason.PARTIAL and (rest := remainder(ask.request, candidates, ask.route)) is not None:
        return replace(ask, why=reason, conditional=rest.conditional, rest=rest)
    if reason is ForwardReason.VARY_MISS and isinstance(ask.admission, Shareable):
        variants = offered(ask.request, candidates)
        return replace(ask, why=reason, conditional=offering(variants), offered=variants)
    return replace(ask, why=reason)
