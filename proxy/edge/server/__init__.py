"""The public listener: bytes of clients in, bytes of answers out. Decides nothing about caching."""
