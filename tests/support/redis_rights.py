"""The rights that docs/redis.md names for Tambo's Redis user, and what a server denied. Grants nothing else."""

import re
from pathlib import Path

from tests.support.redis_many import ask
from tests.support.redis_server import RedisServer

_DOCS = Path(__file__).parents[2] / "docs" / "redis.md"


def documented() -> list[str]:
    """The words behind ``ACL SETUSER``: a name, then what it may do; with what Sentinel and a Cluster need besides."""
    text = _DOCS.read_text()
    (line,) = [line for line in text.splitlines() if line.startswith("    ACL SETUSER tambo ")]
    (besides,) = re.findall(r"With Sentinel add (.*?)\)", text, re.DOTALL)
    more = re.findall(r"`(\+[A-Z|]+)`", besides)
    assert len(more) == 3
    return [*line.split()[2:], *more]


def documented_commands() -> set[str]:
    """The commands among them, in capitals; a subcommand behind a bar."""
    return {word[1:] for word in documented() if word.startswith("+")}


def as_options() -> list[str]:
    """That user as options of redis-server, so that it is there whenever the server starts anew."""
    return ["--user", *documented()]


def named() -> str:
    """``name:password`` of that user."""
    name, _, password, *_ = documented()
    assert password[:1] == ">"
    return f"{name}:{password[1:]}"


def documented_user(server: RedisServer) -> str:
    """Make that user on a running server: ``name:password``."""
    assert ask(server, "ACL", "SETUSER", *documented()) == b"OK"
    return named()


def denied(server: RedisServer) -> list[bytes]:
    """What anybody was denied since it started: commands, names and channels."""
    entries = ask(server, "ACL", "LOG")
    assert isinstance(entries, list)
    said = [dict(zip(entry[::2], entry[1::2], strict=True)) for entry in entries]
    return [b"%s: %s" % (entry[b"reason"], entry[b"object"]) for entry in said]
