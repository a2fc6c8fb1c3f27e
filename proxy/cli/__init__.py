"""The command line, one small module per verb: it asks app, config or a running admin listener. Builds nothing."""
