"""Reads the configuration again and has it followed, or says why not and leaves the old one. One at a time."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

from proxy.app.checking import check_parts
from proxy.app.voice import set_up_logs
from proxy.config.load import Loaded
from proxy.config.problems import InvalidConfigError
from proxy.edge.admin.reloading import Reloaded
from proxy.errors import ConfigError, ProxyError

LOG: Final = logging.getLogger("tambo.config")


class Reloading:
    """Serves the signal and the admin listener alike."""

    def __init__(self, read: Callable[[], Loaded], follow: Callable[[Loaded], Awaitable[Sequence[str]]]) -> None:
        """``read``: everything again, as at the start. ``follow``: all of it or nothing, and what needs a restart."""
        self._read = read
        self._follow = follow
        self._turn = asyncio.Lock()
        self.generation = 1
        """Of the configuration that is followed."""

    async def reload(self, by: str) -> Reloaded:
        """Follow what the file and the environment say now. Raises InvalidConfigError, and whatever ``follow`` does:
        then the old one stays."""
        async with self._turn:
            try:
                loaded = await asyncio.to_thread(self._checked)
                left = await self._follow(loaded)
            except ProxyError as error:
                _complain(error, by)
                raise
            self.generation += 1
            set_up_logs(loaded.config)
            for warning in loaded.warnings:
                LOG.warning(warning)
            if left:
                LOG.warning("only a restart changes %s", ", ".join(left), extra={"needs_restart": list(left)})
            LOG.info("configuration reloaded", extra={"generation": self.generation, "file": loaded.file, "by": by})
            return Reloaded(self.generation, loaded.file, tuple(left), loaded.warnings)

    async def try_reload(self, by: str) -> None:
        """The same, where nobody waits for an answer: the log has it."""
        try:
            await self.reload(by)
        except ProxyError:
            return  # told in the log

    def _checked(self) -> Loaded:
        loaded = self._read()
        check_parts(loaded)
        return loaded


def _complain(error: ProxyError, by: str) -> None:
    problems: Sequence[object] = error.problems if isinstance(error, InvalidConfigError) else [error]
    for problem in problems:
        extra = {"key": problem.key} if isinstance(problem, ConfigError) else {}
        LOG.error("%s", problem, extra=extra)
    LOG.error("the configuration was not reloaded: the old one stays", extra={"by": by})
