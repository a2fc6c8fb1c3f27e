"""Pure caching policy: RFC 9110, 9111, 5861, 9211, 9213 as functions over values. Never awaits, logs, reads a clock."""
