"""Texts that must not be shown: they print masked, and only ``value`` tells them. Knows nothing of configuration."""

import re
from dataclasses import dataclass, field

MASK = "***"
_PASSWORD = re.compile(r"(?P<start>^[a-z+]+://[^:@/?#]*:).*(?=@)", re.IGNORECASE | re.DOTALL)
_BARE_USER = re.compile(r"(?P<start>^[a-z+]+://).*(?=@)", re.IGNORECASE | re.DOTALL)
_QUERY = re.compile(r"(?P<start>[?&](?:sentinel_|ssl_)?password=)[^&#]*", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Secret:
    """A token or a password. ``str`` and ``repr`` show that there is one, never which."""

    value: str = field(repr=False)

    def __str__(self) -> str:
        return MASK

    def __repr__(self) -> str:
        return f"{type(self).__name__}({str(self)!r})"


@dataclass(frozen=True, slots=True, repr=False)
class SecretUrl(Secret):
    """A URL that may hold a password: shown without it."""

    def __str__(self) -> str:
        return mask_url(self.value)


def mask_url(url: str) -> str:
    """The URL with its password (user information, or a ``password`` parameter) replaced by ``***``.

    A password that should have been escaped (``/``, ``@``) is covered too: rather too much is hidden than too little.
    """
    if "://" not in url:
        return MASK if "@" in url else url
    without, there_is_one = _PASSWORD.subn(rf"\g<start>{MASK}", url)
    if not there_is_one:
        without = _BARE_USER.sub(rf"\g<start>{MASK}", url)
    return _QUERY.sub(rf"\g<start>{MASK}", without)
