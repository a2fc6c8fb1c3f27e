"""Mirrors proxy/policy: mostly tables, with the RFC section in each row's id."""
