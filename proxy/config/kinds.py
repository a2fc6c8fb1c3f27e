"""What a single value of the configuration may be, as types that carry their bounds. Converts nothing."""

from enum import StrEnum
from typing import Annotated

from msgspec import Meta, Struct

MIB = 1024 * 1024
DAY = 86_400.0

Duration = Annotated[float, Meta(ge=0, extra={"form": "duration"}, extra_json_schema={"form": "duration"})]
"""Seconds, 0 or more."""
Wait = Annotated[float, Meta(gt=0, extra={"form": "duration"}, extra_json_schema={"form": "duration"})]
"""Seconds, more than 0: how long something is waited for."""
Size = Annotated[int, Meta(ge=0, extra={"form": "size"}, extra_json_schema={"form": "size"})]
"""Bytes."""
Budget = Annotated[int, Meta(ge=MIB, extra={"form": "size"}, extra_json_schema={"form": "size"})]
"""Bytes, a mebibyte at least: what a store may fill."""
Count = Annotated[int, Meta(ge=0)]
Positive = Annotated[int, Meta(ge=1)]
Workers = Annotated[int, Meta(ge=1, le=256)]
Prefix = Annotated[
    str,
    Meta(
        pattern=r"^(/[A-Za-z0-9_~-][A-Za-z0-9._~-]*)+$",
        extra={"right": 'a path such as "/-/tambo", without a slash at its end'},
    ),
]
Port = Annotated[int, Meta(ge=0, le=65_535)]
"""0: any free one."""
Ratio = Annotated[float, Meta(ge=0, le=1, extra={"form": "ratio"}, extra_json_schema={"form": "ratio"})]
Status = Annotated[int, Meta(ge=200, le=599)]
ErrorStatus = Annotated[int, Meta(ge=400, le=599)]
Text = Annotated[str, Meta(min_length=1)]
Name = Annotated[str, Meta(pattern=r"^[A-Za-z0-9_-]{1,64}$", extra={"right": "1-64 letters, digits, '_' or '-'"})]
FieldName = Annotated[str, Meta(pattern=r"^[!#$%&'*+.^_`|~0-9A-Za-z-]+$", extra={"right": "a header field's name"})]
Method = Annotated[str, Meta(pattern=r"^(GET|HEAD|QUERY|POST)$", extra={"right": '"GET", "HEAD", "QUERY" or "POST"'})]


class WhenDown(StrEnum):
    """Where answers come from while Redis cannot be reached."""

    MEMORY = "memory"
    """From what this process holds, as before: others may have purged it meanwhile."""
    UPSTREAM = "upstream"
    """From the upstream: nothing is answered that nobody vouches for."""


class Section(Struct, frozen=True, kw_only=True):
    """A table of the file."""
