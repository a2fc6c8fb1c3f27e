"""The exchange: performs what the policy decides, over ports. Never judges a header field, never imports a library adapter."""
