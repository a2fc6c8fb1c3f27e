"""The origin: an HTTP API that looks a RUC up on SUNAT's site. It caches nothing and knows of no cache."""
