"""The exchange: performs what the policy decides, over ports. Judges no header field, knows no library."""
