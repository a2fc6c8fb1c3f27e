"""Where stored responses are kept: memory, a file, Redis. Judges no freshness; raises StoreUnavailable only."""
