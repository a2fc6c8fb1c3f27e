"""Rows that fail, each with its reason. Strict: one that holds is reported, so that it is taken off."""

_QUERY = "answers to QUERY are not stored: optional"
_SEARCH = "No-Vary-Search is not heard: optional"

KNOWN: dict[str, str] = {
    "10008-2 may QUERY with the same content": _QUERY,
    "No-Vary-Search may parameters that do not count": _SEARCH,
    "No-Vary-Search may none counts": _SEARCH,
    "No-Vary-Search may all but": _SEARCH,
    "No-Vary-Search may order": _SEARCH,
}
