"""The closed lists that header, log, metrics and documentation share."""

from proxy.policy.disposition import ForwardReason, NotStoredReason, StaleReason, Verdict


def test_the_reasons_are_the_documented_ones() -> None:
    documented = (
        "method status cookie no-store private authorization set-cookie vary-star too-large content-type body-verdict "
        "route-off client-no-store mode store-error purged-in-flight"
    )
    assert [reason.value for reason in NotStoredReason] == documented.split()


def test_forward_reasons_are_those_of_rfc_9211() -> None:
    assert {reason.value for reason in ForwardReason} <= {
        *("bypass", "method", "uri-miss", "vary-miss", "miss", "request", "stale", "partial")
    }


def test_stale_reasons_and_verdicts_are_the_documented_ones() -> None:
    assert {reason.value for reason in StaleReason} == {"swr", "sie", "breaker", "holdoff", "shed", "archive"}
    assert {verdict.value for verdict in Verdict} == {"ok", "negative", "failure", "pass"}
