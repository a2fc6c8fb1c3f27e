"""Tests: unit/proxy/store."""
