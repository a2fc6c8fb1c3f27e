"""The tables, in the order of the RFCs' sections."""

from tests.conformance.rows import fields, freshness, invalidation, keys, messages, ranges, reuse, storing, validation
from tests.conformance.scenario import Row

ROWS: list[Row] = [
    *storing.ROWS,
    *keys.ROWS,
    *freshness.ROWS,
    *reuse.ROWS,
    *validation.ROWS,
    *ranges.ROWS,
    *invalidation.ROWS,
    *fields.ROWS,
    *messages.ROWS,
]
