"""Real Redis servers that belong together: a primary with replicas and Sentinels, or a Cluster. Ended with the test."""

import contextlib
import subprocess
import time
from pathlib import Path

import hiredis

from tests.support.redis_server import RedisServer, free_port

SLOTS = 16_384
WITHIN = 30.0


def ask(server: RedisServer, *words: str | bytes) -> object:
    """One command's reply."""
    reader = hiredis.Reader()
    reader.feed(server.command(*words))
    return reader.gets()


def _folder(parent: Path, name: str) -> Path:
    folder = parent / name
    folder.mkdir()
    return folder


def wait_for(condition: "object", what: str) -> None:
    """Look again and again, WITHIN seconds."""
    assert callable(condition)
    deadline = time.monotonic() + WITHIN
    while not condition():
        assert time.monotonic() < deadline, what
        time.sleep(0.02)


class Watched:
    """A primary, replicas, and Sentinels that make one of these the primary when it is gone."""

    def __init__(
        self, folder: Path, stack: contextlib.ExitStack, *options: str, replicas: int = 2, sentinels: int = 3
    ) -> None:
        """``options`` are each Redis's."""
        self.primary = stack.enter_context(RedisServer(_folder(folder, "primary"), *options))
        place = f"127.0.0.1 {self.primary.port}"
        self.replicas = [
            stack.enter_context(RedisServer(_folder(folder, f"replica-{number}"), "--replicaof", place, *options))
            for number in range(replicas)
        ]
        self.ports = [
            self._sentinel(_folder(folder, f"sentinel-{number}"), place, stack) for number in range(sentinels)
        ]
        wait_for(lambda: self._replicas_known() == replicas, "replicas are seen")
        wait_for(self._all_sentinels_know, "Sentinels see each other")

    def url(self, user: str = "") -> str:
        """What REDIS_URL would say. ``user``: ``name:password@``."""
        return f"redis+sentinel://{user}" + ",".join(f"127.0.0.1:{port}" for port in self.ports) + "/mymaster"

    def _sentinel(self, folder: Path, place: str, stack: contextlib.ExitStack) -> int:
        port = free_port()
        lines = [
            f"port {port}",
            "bind 127.0.0.1",
            f"dir {folder}",
            f"sentinel monitor mymaster {place} 2",
            "sentinel down-after-milliseconds mymaster 500",
            "sentinel failover-timeout mymaster 3000",
        ]
        (folder / "sentinel.conf").write_text("\n".join(lines) + "\n")
        log = stack.enter_context((folder / "sentinel.log").open("ab"))
        process = subprocess.Popen(
            ["redis-server", str(folder / "sentinel.conf"), "--sentinel"], stdout=log, stderr=log
        )
        stack.callback(process.wait)
        stack.callback(process.kill)
        return port

    def _replicas_known(self) -> int:
        role = ask(self.primary, "ROLE")
        assert isinstance(role, list)
        return len(role[2])

    def _all_sentinels_know(self) -> bool:
        return all(self._others(port) == len(self.ports) - 1 for port in self.ports)

    def _others(self, port: int) -> int:
        sentinel = RedisServer(self.primary.folder)
        sentinel.port = port
        try:
            others = ask(sentinel, "SENTINEL", "SENTINELS", "mymaster")
        except OSError:
            return 0
        return len(others) if isinstance(others, list) else 0


class Cluster:
    """Primaries with a third of the slots each (if three), and a replica for each."""

    def __init__(self, folder: Path, stack: contextlib.ExitStack, *options: str, primaries: int = 3) -> None:
        """``options`` are each node's."""
        self._options = options
        self.nodes = [self._node(_folder(folder, f"node-{number}"), stack) for number in range(2 * primaries)]
        self.primaries, replicas = self.nodes[:primaries], self.nodes[primaries:]
        share = -(-SLOTS // primaries)
        for number, node in enumerate(self.primaries):
            first, last = number * share, min(SLOTS, (number + 1) * share) - 1
            assert ask(node, "CLUSTER", "ADDSLOTSRANGE", str(first), str(last)) == b"OK"
        hub = self.nodes[0]
        for number, node in enumerate(self.nodes):
            ask(node, "CLUSTER", "SET-CONFIG-EPOCH", str(number + 1))
        for node in self.nodes[1:]:
            assert ask(node, "CLUSTER", "MEET", "127.0.0.1", str(hub.port), str(self._buses[hub.port])) == b"OK"
        wait_for(lambda: all(self._knows(node) == len(self.nodes) for node in self.nodes), "nodes see each other")
        for primary, replica in zip(self.primaries, replicas, strict=True):
            assert ask(replica, "CLUSTER", "REPLICATE", self.id_of(primary)) == b"OK"
        wait_for(lambda: all(self._is_ok(node) for node in self.nodes), "the Cluster is whole")
        wait_for(lambda: all(self._is_linked(node) for node in replicas), "replicas follow")

    def lose(self, node: RedisServer) -> None:
        """Kill a primary, and wait until another has what it had and everybody knows."""
        node.kill()
        others = [each for each in self.nodes if each is not node]
        wait_for(lambda: not any(self._owns(each, node.port) for each in others), "a replica takes over")
        wait_for(lambda: all(self._is_ok(each) for each in others), "the Cluster is whole again")

    @staticmethod
    def _owns(asked: RedisServer, port: int) -> bool:
        slots = ask(asked, "CLUSTER", "SLOTS")
        assert isinstance(slots, list)
        return any(primary[1] == port for _, _, primary, *_ in slots)

    _buses: dict[int, int]

    def url(self, user: str = "") -> str:
        """What REDIS_URL would say; some nodes suffice. ``user``: ``name:password@``."""
        return f"redis+cluster://{user}" + ",".join(f"127.0.0.1:{node.port}" for node in self.nodes[:2])

    def _node(self, folder: Path, stack: contextlib.ExitStack) -> RedisServer:
        bus = free_port()
        options = ["--cluster-enabled", "yes", "--cluster-node-timeout", "1000", "--cluster-port", str(bus)]
        options += self._options
        node = stack.enter_context(RedisServer(folder, *options, "--cluster-replica-validity-factor", "0"))
        self._buses = {**getattr(self, "_buses", {}), node.port: bus}
        return node

    @staticmethod
    def id_of(node: RedisServer) -> str:
        """What the others call a node."""
        name = ask(node, "CLUSTER", "MYID")
        assert isinstance(name, bytes)
        return name.decode()

    @staticmethod
    def _knows(node: RedisServer) -> int:
        nodes = ask(node, "CLUSTER", "NODES")
        assert isinstance(nodes, bytes)
        return nodes.count(b" connected")

    @staticmethod
    def _is_ok(node: RedisServer) -> bool:
        info = ask(node, "CLUSTER", "INFO")
        assert isinstance(info, bytes)
        return b"cluster_state:ok" in info

    @staticmethod
    def _is_linked(node: RedisServer) -> bool:
        role = ask(node, "ROLE")
        return isinstance(role, list) and role[0] == b"slave" and role[3] == b"connected"

    def migrate(self, slot: int, source: RedisServer, target: RedisServer) -> int:
        """Move a slot with what is in it, as redis-cli --cluster reshard does; how many names there were."""
        assert ask(target, "CLUSTER", "SETSLOT", str(slot), "IMPORTING", self.id_of(source)) == b"OK"
        assert ask(source, "CLUSTER", "SETSLOT", str(slot), "MIGRATING", self.id_of(target)) == b"OK"
        moved = 0
        while names := ask(source, "CLUSTER", "GETKEYSINSLOT", str(slot), "10"):
            assert isinstance(names, list)
            for name in names:
                ask(source, "MIGRATE", "127.0.0.1", str(target.port), name, "0", "1000")
                moved += 1
        for node in (target, source, *self.primaries):
            ask(node, "CLUSTER", "SETSLOT", str(slot), "NODE", self.id_of(target))
        return moved
