"""Black-box conformance: rows from the RFCs, played over real sockets against a Tambo with ``conformance.toml``."""
