"""The network's edge: aiohttp in, pooled connections out. Decides nothing about caching."""
