"""Body rules: what a JSON body means."""

import gzip
import json
import zlib
from typing import Any

import pytest

from proxy.policy.body_rules import UNPACKED_RATIO, Judgement, judge
from proxy.policy.disposition import Verdict
from tests.support.policy import a_head, a_route, a_rule

# The rules bundled for an API that reports its errors inside a 200.
LEGACY = (
    a_rule("razonSocial == 'Error en consulta' || (message && detail) || detail.message", Verdict.FAILURE, 502),
    a_rule("type(@) == 'array' && type([1]) == 'number' && [1] >= `400`", Verdict.FAILURE),
    a_rule("length(items || `[]`) == `0` && found == `false`", Verdict.NEGATIVE),
    a_rule("starts_with(note, 'private')", Verdict.PASS),
)


@pytest.mark.parametrize(
    ("document", "verdict"),
    [
        pytest.param({"razonSocial": "ACME", "ruc": "20"}, Verdict.OK, id="an answer"),
        pytest.param({"razonSocial": "Error en consulta"}, Verdict.FAILURE, id="an error in a field"),
        pytest.param({"message": "x", "detail": "y", "ruc": "20"}, Verdict.FAILURE, id="an error object"),
        pytest.param({"message": "", "detail": "y"}, Verdict.OK, id="an empty string is not true"),
        pytest.param({"message": 0, "detail": 0}, Verdict.FAILURE, id="zero is true"),
        pytest.param({"message": [], "detail": "x"}, Verdict.OK, id="an empty list is not true"),
        pytest.param({"detail": {"message": "x"}}, Verdict.FAILURE, id="an error nested"),
        pytest.param({"detail": {"message": {}}}, Verdict.OK, id="an empty object is not true"),
        pytest.param([{"message": "x"}, 400], Verdict.FAILURE, id="an error and its status in a list"),
        pytest.param([{"message": "x"}, 200], Verdict.OK, id="a list that is fine"),
        pytest.param({"found": False, "items": []}, Verdict.NEGATIVE, id="nothing found"),
        pytest.param({"note": "private: x"}, Verdict.PASS, id="pass"),
        pytest.param({"note": 5}, Verdict.OK, id="a rule that cannot be applied does not match"),
        pytest.param({}, Verdict.OK, id="nothing"),
        pytest.param(None, Verdict.OK, id="null"),
    ],
)
def test_verdicts(document: object, verdict: Verdict) -> None:
    assert judge(json.dumps(document).encode(), a_head(), a_route(verdicts=LEGACY)).verdict is verdict


def test_the_first_rule_that_matches_wins() -> None:
    route = a_route(verdicts=(a_rule("a", Verdict.PASS, 599), a_rule("a", Verdict.FAILURE)))
    assert judge(b'{"a": 1}', a_head(), route) == Judgement(Verdict.PASS, None, "a")


def test_a_failure_says_its_status_and_rule() -> None:
    route = a_route(verdicts=(a_rule("a", Verdict.FAILURE, 502),))
    assert judge(b'{"a": 1}', a_head(), route) == Judgement(Verdict.FAILURE, 502, "a")


JUDGED = a_route(verdicts=(a_rule("bad", Verdict.FAILURE, 502),))


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"<html>", id="html"),
        pytest.param(b'{"a": 1', id="cut"),
        pytest.param(b'{"a": "\xe9"}', id="latin-1"),
        pytest.param(b'{"a": NaN}', id="NaN"),
        pytest.param(b"[Infinity]", id="Infinity"),
        pytest.param(b"[" * 100_000, id="too deep"),
        pytest.param(b"1" * 10_000, id="a number too long to read"),
        pytest.param('{"a": 1}'.encode("utf-16"), id="utf-16"),
    ],
)
def test_what_cannot_be_read_is_a_failure(body: bytes) -> None:
    assert judge(body, a_head(), JUDGED).verdict is Verdict.FAILURE


def test_a_byte_order_mark_is_harmless() -> None:
    assert judge(b'\xef\xbb\xbf{"a": 1}', a_head(), JUDGED).verdict is Verdict.OK


@pytest.mark.parametrize(
    ("lines", "status", "settings"),
    [
        pytest.param({"Content-Type": "text/html"}, 200, {}, id="not JSON"),
        pytest.param({}, 404, {}, id="an honest error"),
        pytest.param({}, 301, {}, id="a redirect"),
        pytest.param({}, 204, {}, id="no content"),
        pytest.param({}, 206, {}, id="a part"),
        pytest.param({}, 200, {"verdicts": ()}, id="no rules"),
    ],
)
def test_what_is_not_judged_is_fine(lines: dict[str, str], status: int, settings: dict[str, Any]) -> None:
    route = a_route(**{"verdicts": JUDGED.verdicts, **settings})
    assert judge(b'{"bad": 1}', a_head(lines, status), route) == Judgement(Verdict.OK)


@pytest.mark.parametrize(
    ("coding", "body", "verdict"),
    [
        pytest.param("gzip", gzip.compress(b'{"bad": 1}'), Verdict.FAILURE, id="gzip, bad"),
        pytest.param("GZIP", gzip.compress(b'{"a": 1}'), Verdict.OK, id="gzip, fine"),
        pytest.param("x-gzip", gzip.compress(b'{"a": 1}'), Verdict.OK, id="gzip by its old name"),
        pytest.param("deflate", zlib.compress(b'{"a": 1}'), Verdict.OK, id="deflate, fine"),
        pytest.param("identity", b'{"a": 1}', Verdict.OK, id="identity"),
        pytest.param("gzip", b'{"a": 1}', Verdict.FAILURE, id="not what it says"),
        pytest.param("gzip", gzip.compress(b'{"a": 1}')[:-4], Verdict.FAILURE, id="cut"),
        pytest.param("br", b"\x0b\x02\x80{}\x03", Verdict.PASS, id="nothing known of it"),
        pytest.param("gzip, gzip", gzip.compress(gzip.compress(b"{}")), Verdict.PASS, id="packed twice"),
    ],
)
def test_packed_bodies(coding: str, body: bytes, verdict: Verdict) -> None:
    assert judge(body, a_head({"Content-Encoding": coding}), JUDGED).verdict is verdict


def test_a_decompression_bomb_is_a_failure() -> None:
    bomb = gzip.compress(b" " * 5_000_000 + b"{}")
    assert len(bomb) * UNPACKED_RATIO < 5_000_000
    assert judge(bomb, a_head({"Content-Encoding": "gzip"}), JUDGED).verdict is Verdict.FAILURE
