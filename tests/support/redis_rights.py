"""The rights that docs/redis.md names for Tambo's Redis user, and what a server denied. Grants nothing else."""

from pathlib import Path

from tests.support.redis_many import ask
from tests.support.redis_server import RedisServer

_DOCS = Path(__file__).parents[2] / "docs" / "redis.md"


def documented() -> list[str]:
    """The words behind ``ACL SETUSER``: a name, then what it may do."""
    (line,) = [line for line in _DOCS.read_text().splitlines() if line.startswith("    ACL SETUSER tambo ")]
    return line.split()[2:]


def documented_commands() -> set[str]:
    """The commands among them, in capitals; a subcommand behind a bar."""
    return {word[1:] for word in documented() if word.startswith("+")}


def documented_user(server: RedisServer) -> str:
    """Make that user on a running server: ``name:password``."""
    name, _, password, *_ = words = documented()
    assert password[:1] == ">"
    assert ask(server, "ACL", "SETUSER", *words) == b"OK"
    return f"{name}:{password[1:]}"


def denied(server: RedisServer) -> list[bytes]:
    """What anybody was denied since it started: commands, names and channels."""
    entries = ask(server, "ACL", "LOG")
    assert isinstance(entries, list)
    said = [dict(zip(entry[::2], entry[1::2], strict=True)) for entry in entries]
    return [b"%s: %s" % (entry[b"reason"], entry[b"object"]) for entry in said]
