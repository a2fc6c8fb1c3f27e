"""Tests of the practice copy of the site, module by module."""
