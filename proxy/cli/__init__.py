"""The command line, one small module per verb. Builds nothing by itself: it asks app, config or a running admin listener."""
