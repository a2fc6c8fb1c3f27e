"""Load runs beside other proxies: what bench/speed.py is made of. Loopback only; ends what it starts."""
