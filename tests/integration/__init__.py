"""Tests that start real servers or processes on loopback."""
