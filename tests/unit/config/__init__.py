"""Mirrors proxy/config: what a configuration may say, and what is told of one that may not."""
