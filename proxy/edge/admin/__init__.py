"""The admin listener: health, metrics and purging on a port of their own. Never reachable through the public one."""
