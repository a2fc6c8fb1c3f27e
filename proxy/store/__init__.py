"""Where stored responses are kept: memory, an embedded file, Redis. Never judges freshness; raises StoreUnavailable only."""
