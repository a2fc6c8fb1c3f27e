"""Tests: unit/scraper."""
