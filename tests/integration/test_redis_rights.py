"""The Redis commands that Tambo's own code names are those that docs/redis.md asks for, no more and no fewer, and a
Redis 7.2 has them all. (That they suffice is seen where whole fleets run with these rights alone.)"""

import re
from pathlib import Path

import pytest

from tests.support.redis_many import ask
from tests.support.redis_rights import documented_commands
from tests.support.redis_server import RedisServer, valkey_server

pytestmark = pytest.mark.integration

STORE = Path(__file__).parents[2] / "proxy" / "store"
SENT = re.compile(r'\(b"([A-Z]{3,})"(?:, b"([A-Z]+)")?')
SCRIPTED = re.compile(r"redis\.call\('([A-Z]+)'")
CONTAINERS = {"CLIENT", "CLUSTER"}
OF_SENTINELS = {"SENTINEL"}
OF_THE_LIBRARY = {"SELECT"}
"""What redis-py sends by itself as a connection is opened; AUTH needs no right."""


def _used() -> set[str]:
    used = set(OF_THE_LIBRARY)
    for path in STORE.glob("redis_*.py"):
        text = path.read_text()
        used |= {f"{verb}|{what}" if verb in CONTAINERS else verb for verb, what in SENT.findall(text)}
        used |= set(SCRIPTED.findall(text))
    return used - OF_SENTINELS


def test_the_documented_rights_are_the_commands_in_the_code() -> None:
    assert _used() == documented_commands()


def test_none_is_newer_than_redis_7_2(tmp_path: Path) -> None:
    with RedisServer(tmp_path, program=valkey_server()) as valkey:
        for command in sorted(documented_commands()):
            reply = ask(valkey, "COMMAND", "DOCS", command)
            assert isinstance(reply, list), command
            about = dict(zip(reply[1][::2], reply[1][1::2], strict=True))
            since = tuple(map(int, about[b"since"].split(b".")))
            assert since <= (7, 2, 0), command
