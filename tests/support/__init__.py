"""Fakes, builders and real servers that tests share."""
