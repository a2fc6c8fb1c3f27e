"""Tambo: a caching HTTP reverse proxy. This package knows nothing of the APIs it stands in front of."""
