"""Rows that fail, each with its reason. Strict: one that holds is reported, so that it is taken off."""

_GROUPS = "Cache-Group-Invalidation is not heard yet"
_NAMED = "Location and Content-Location are not invalidated yet"
_QUERY = "answers to QUERY are not stored: optional"
_SEARCH = "No-Vary-Search is not heard: optional"

KNOWN: dict[str, str] = {
    "9111-4.4 named may Location, a path": _NAMED,
    "9111-4.4 named may Location, relative": _NAMED,
    "9111-4.4 named may Location, of the same origin": _NAMED,
    "9111-4.4 named may Content-Location, a path": _NAMED,
    "9111-4.4 named may Content-Location, relative": _NAMED,
    "9111-4.4 named may Content-Location, of the same origin": _NAMED,
    "9875-2 may an unsafe request ends the group it names": _GROUPS,
    "9875-2 may all of the group": _GROUPS,
    "9875-2 may one of several that it names": _GROUPS,
    "9875-2 may on two lines": _GROUPS,
    "9875-2 must parameters are ignored": _GROUPS,
    "9875-2 check on an error it means the same": _GROUPS,
    "9875-2 check they are not transitive": _GROUPS,
    "10008-2 may QUERY with the same content": _QUERY,
    "No-Vary-Search may parameters that do not count": _SEARCH,
    "No-Vary-Search may none counts": _SEARCH,
    "No-Vary-Search may all but": _SEARCH,
    "No-Vary-Search may order": _SEARCH,
}
