"""Signing in to the admin page: a cookie that proves the token was known, and ends. Pure; sends and stores nothing.

The cookie is its end and a code over it that only the token makes, so there is nothing to remember and a new token ends
every session. What changes something must also carry a second code, which only our own page is told.
"""

import hmac
from hashlib import sha256
from typing import Final

COOKIE: Final = "tambo_session"
CSRF_FIELD: Final = "X-Tambo-CSRF"
LASTS: Final = 12 * 3600
"""Seconds."""
_MOST_DIGITS: Final = 15


def begun(token: str, now: float) -> str:
    """A cookie's value, good from now on."""
    end = f"{int(now) + LASTS}"
    return f"{end}.{_code(token, 'session', end)}"


def is_good(token: str, cookie: str | None, now: float) -> bool:
    """Whether this value was made with this token, and its time is not over."""
    end, _, code = (cookie or "").partition(".")
    if not (end.isascii() and end.isdigit() and len(end) <= _MOST_DIGITS) or int(end) <= now:
        return False
    return hmac.compare_digest(code.encode("utf-8", "replace"), _code(token, "session", end).encode())


def csrf_code(token: str, cookie: str) -> str:
    """What a request of this session that changes something must carry."""
    return _code(token, "csrf", cookie)


def is_ours(token: str, cookie: str, code: str | None) -> bool:
    """Whether our own page sent it."""
    return hmac.compare_digest((code or "").encode("utf-8", "replace"), csrf_code(token, cookie).encode())


def _code(token: str, purpose: str, text: str) -> str:
    return hmac.new(token.encode("utf-8", "surrogatepass"), f"tambo {purpose} {text}".encode(), sha256).hexdigest()
