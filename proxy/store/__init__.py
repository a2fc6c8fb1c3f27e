"""Where stored responses are kept: memory, an embedded file, Redis. Judges no freshness; raises StoreUnavailable only."""
