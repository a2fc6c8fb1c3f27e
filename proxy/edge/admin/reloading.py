"""``POST /admin/reload``: says what came of it. Reloads nothing itself."""

import json
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import TypeAlias

from aiohttp import web
from msgspec import Struct

from proxy.config.problems import InvalidConfigError


class Reloaded(Struct, frozen=True):
    """Which configuration is followed now; ``needs_restart``: the keys that were changed, and stay as they were."""

    generation: int
    file: str | None
    needs_restart: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


Reload: TypeAlias = Callable[[str], Awaitable[Reloaded]]
"""Reloads for whoever asks, who is named. Raises InvalidConfigError."""


async def answer_reload(reload: Reload, by: str) -> web.Response:
    """The answer: what is followed, or 422 with every problem, in the words of ``tambo check``."""
    try:
        done = await reload(by)
    except InvalidConfigError as error:
        return _refusal(error)
    return web.json_response(
        {
            "generation": done.generation,
            "file": done.file,
            "needs_restart": list(done.needs_restart),
            "warnings": list(done.warnings),
        }
    )


def _refusal(error: InvalidConfigError) -> web.Response:
    status = HTTPStatus.UNPROCESSABLE_ENTITY
    problems = [{"key": each.key, "problem": each.problem, "source": each.source or None} for each in error.problems]
    detail = "The configuration is not valid, so the old one stays: " + "; ".join(str(each) for each in error.problems)
    body = {"type": "about:blank", "status": status, "detail": detail, "errors": problems}
    return web.Response(status=status, text=json.dumps(body), content_type="application/problem+json")
