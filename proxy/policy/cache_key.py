"""Keys: the primary key from target and route, the secondary key from selecting fields (RFC 9111 §2, §4.1).

Pure and injective: two targets that differ in anything the upstream sees never share a key unless the route says so.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class CacheKey:
    """The primary key of everything stored for one target.

    ``text`` is readable and injective (captures are percent-escaped); ``target`` is what a fetch for it puts on the
    wire: the raw target, or with the route's query rule applied.
    """

    text: str
    target: str
