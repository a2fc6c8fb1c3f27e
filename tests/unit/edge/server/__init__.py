"""Tests of the public listener's pure parts."""
