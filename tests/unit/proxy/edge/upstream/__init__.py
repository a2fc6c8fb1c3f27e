"""Tests: unit/proxy."""
