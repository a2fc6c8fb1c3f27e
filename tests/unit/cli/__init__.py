"""Mirrors proxy/cli: transcripts of the verbs."""
