"""Rows that fail, each with its reason. Strict: one that holds is reported, so that it is taken off."""

KNOWN: dict[str, str] = {}
