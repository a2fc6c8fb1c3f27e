"""Starts the upstream, Tambo and its peers, each on the core it is given, and ends them. Measures nothing."""

import http.client
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from bench.load.machine import tree
from bench.peers import ROOT

HERE = Path(__file__).parent
_SBIN = os.pathsep.join((os.environ.get("PATH", ""), "/usr/sbin", "/usr/local/sbin"))
_STARTS_WITHIN = 30.0
_ENDS_WITHIN = 5.0

ROUTES = """
[[routes]]
name = "items"
match = { path = "/item/**" }

[[routes]]
name = "cookies"
match = { path = "/c/**" }
cookies = "ignore"
"""
"""Tambo's whole configuration, but for what the environment says."""
VERSIONS = {
    "nginx": ("nginx", "-v"),
    "haproxy": ("haproxy", "-v"),
    "varnish": ("varnishd", "-V"),
    "trafficserver": ("traffic_server", "-V"),
    "squid": ("squid", "-v"),
}
"""The peers, and how each says its version."""


def program(name: str) -> str | None:
    """A program's file; None: it is not installed."""
    return shutil.which(name, path=_SBIN)


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port: int = sock.getsockname()[1]
    return port


def get(port: int, target: str, fields: dict[str, str] | None = None) -> tuple[int, dict[str, str], bytes]:
    """Ask once, on a connection of its own."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request("GET", target, headers=fields or {})
        answer = connection.getresponse()
        return answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read()
    finally:
        connection.close()


class House:
    """Everything that runs for one benchmark. Use as a context manager."""

    def __init__(self, work: Path, core: str, load_core: str) -> None:
        """``work``: a folder of its own. ``core``, ``load_core``: where servers and load run (``0``, ``0,1``)."""
        self.work = work
        self.core, self.load_core = core, load_core
        self.origin = free_port()
        self.processes: dict[str, subprocess.Popen[bytes]] = {}
        self.ports: dict[str, int] = {}
        self.admins: dict[str, int] = {}
        for folder in (work, work / "cache", work / "files" / "big"):
            folder.mkdir(parents=True, exist_ok=True)
            folder.chmod(0o777)

    def __enter__(self) -> "House":
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # whoever is ended ends what it started
        (self.work / "files" / "big" / "100m").write_bytes(os.urandom(1 << 20) * 100)
        self._spawn("origin", [self._path("nginx"), "-c", self._written("origin.conf", self.origin)], self.origin)
        return self

    def __exit__(self, *_: object) -> None:
        for name in reversed(list(self.processes)):
            self.stop(name)

    def stop(self, name: str) -> None:
        """End one, with all its processes."""
        process = self.processes.pop(name)
        self.ports.pop(name, None)
        members = tree(process.pid)
        for number, patience in ((signal.SIGTERM, _ENDS_WITHIN), (signal.SIGKILL, _ENDS_WITHIN)):
            for pid in members:
                try:
                    os.kill(pid, number)
                except ProcessLookupError:
                    continue
            try:
                process.wait(patience)
            except subprocess.TimeoutExpired:
                continue
            return

    # Who can be started ---------------------------------------------------------------------------------------------

    def tambo(self, name: str = "tambo", core: str | None = None, pause: float = 0.05, **environ: str) -> None:
        """A Tambo; ``environ`` on top of what all of them get. No request is logged, as with the peers."""
        port, admin = free_port(), free_port()
        folder = self.work / name
        folder.mkdir(exist_ok=True)
        (folder / "tambo.toml").write_text(ROUTES)
        own = {
            "UPSTREAM_URL": f"http://127.0.0.1:{self.origin}",
            "HOST": "127.0.0.1",
            "PORT": str(port),
            "ADMIN_PORT": str(admin),
            "DATA_DIR": str(folder / "data"),
            "LOG_LEVEL": "warning",
            "TAMBO_CONFIG": str(folder / "tambo.toml"),
            "PYTHONPATH": str(ROOT),
        }
        self._spawn(
            name,
            [sys.executable, "-m", "proxy", "run"],
            port,
            core=core or self.core,
            environ=own | environ,
            pause=pause,
        )
        self.admins[name] = admin

    def environ(self, kind: str) -> dict[str, str]:
        """What a Tambo of one of the plays' kinds is started with beside its core; starts the Redis that it needs."""
        if kind not in {"tambo-disk", "tambo-redis"}:
            return {}
        without_memory = {"TAMBO_STORE__MEMORY": "0"}
        return without_memory | {"REDIS_URL": self.redis()} if kind == "tambo-redis" else without_memory

    def raw(self) -> None:
        """The ceiling: constant bytes."""
        port = free_port()
        self._spawn("raw", [sys.executable, str(HERE / "raw.py"), str(port)], port, core=self.core)

    def redis(self) -> str:
        """A Redis beside the load; its URL."""
        socket_file = self.work / "redis.sock"
        command = [self._path("redis-server"), "--port", "0", "--unixsocket", str(socket_file), "--save", ""]
        self._spawn("redis", command, None)
        _until(socket_file.exists, "redis-server")
        return f"unix://{socket_file}"

    def peer(self, name: str) -> bool:
        """One of VERSIONS; False: it is not installed."""
        if program(VERSIONS[name][0]) is None:
            return False
        port = free_port()
        command = getattr(self, f"_{name}")(port)
        self._spawn(name, command, port, core=self.core)
        return True

    def nginx(self, name: str, workers: int, core: str) -> bool:
        """One more nginx, of so many workers; False: it is not installed."""
        path, port, folder = program("nginx"), free_port(), self.work / name
        if path is None:
            return False
        for each in (folder, folder / "cache"):
            each.mkdir()
            each.chmod(0o777)
        reuseport = "reuseport" if workers > 1 else ""
        config = self._written("nginx.conf", port, folder, WORKERS=workers, REUSEPORT=reuseport)
        self._spawn(name, [path, "-c", config], port, core=core)
        return True

    def _nginx(self, port: int) -> list[str]:
        return [self._path("nginx"), "-c", self._written("nginx.conf", port)]

    def _haproxy(self, port: int) -> list[str]:
        return [self._path("haproxy"), "-db", "-f", self._written("haproxy.cfg", port)]

    def _varnish(self, port: int) -> list[str]:
        vcl = self._written("varnish.vcl", port)
        where = ["-n", str(self.work / "varnish"), "-a", f"127.0.0.1:{port}", "-f", vcl, "-s", "malloc,1g"]
        threads = ["-t", "3600", "-p", "thread_pools=1", "-p", "thread_pool_min=100"]
        return [self._path("varnishd"), "-F", "-j", "none", *where, *threads]

    def _squid(self, port: int) -> list[str]:
        folder = self.work / "squid"
        folder.mkdir(exist_ok=True)
        shutil.chown(folder, "proxy", "proxy")
        return [self._path("squid"), "-n", f"load{os.getpid()}", "-N", "-f", self._written("squid.conf", port)]

    def _trafficserver(self, port: int) -> list[str]:
        """A folder tree of its own: Debian's layout points at the system's configuration."""
        root = self.work / "ats"
        folders = {name: root / name for name in ("etc", "data", "var", "run", "log", "cache", "storage")}
        shutil.copytree("/etc/trafficserver", folders["etc"])
        for folder in folders.values():
            folder.mkdir(parents=True, exist_ok=True)
        layout = {"prefix": root, "exec_prefix": root, "bindir": "/usr/bin", "sbindir": "/usr/sbin"}
        layout |= {"sysconfdir": folders["etc"], "datadir": folders["data"], "includedir": root / "include"}
        layout |= {"libdir": "/usr/lib/trafficserver", "libexecdir": "/usr/lib/trafficserver/modules"}
        layout |= {"localstatedir": folders["var"], "runtimedir": folders["run"], "logdir": folders["log"]}
        layout |= {"cachedir": folders["cache"]}
        (root / "runroot.yaml").write_text("".join(f"{key}: {value}\n" for key, value in layout.items()))
        (folders["etc"] / "storage.config").write_text(f"{folders['storage']} 512M\n")
        (folders["etc"] / "remap.config").write_text(f"map / http://127.0.0.1:{self.origin}/\n")
        settings = {
            "exec_thread.autoconfig": "INT 0",
            "exec_thread.limit": "INT 1",
            "exec_thread.affinity": "INT 0",
            "http.server_ports": f"STRING {port}:ip-in=127.0.0.1",
            "log.logging_enabled": "INT 0",
            "cache.ram_cache.size": "INT 1073741824",
            "http.insert_request_via_str": "INT 0",
            "http.wait_for_cache": "INT 1",
        }
        records = folders["etc"] / "records.config"
        kept = [line for line in records.read_text().splitlines() if not any(f".{key} " in line for key in settings)]
        records.write_text("\n".join(kept + [f"CONFIG proxy.config.{key} {value}" for key, value in settings.items()]))
        for path in (root, *root.rglob("*")):
            shutil.chown(path, "trafficserver", "trafficserver")
        return [self._path("traffic_server"), f"--run-root={root / 'runroot.yaml'}"]

    # How they are started --------------------------------------------------------------------------------------------

    @staticmethod
    def _path(name: str) -> str:
        found = program(name)
        if found is None:
            raise SystemExit(f"{name} is not installed (Debian: apt-get install nginx wrk redis-server curl)")
        return found

    def _written(self, template: str, port: int, folder: Path | None = None, **changes: object) -> str:
        """A configuration, in ``folder`` or the house's own."""
        text, folder = (HERE / "peers" / template).read_text(), folder or self.work
        values: dict[str, object] = {"WORK": folder, "CACHE": folder / "cache", "ORIGIN": self.origin, "PORT": port}
        values |= {"WORKERS": 1, "REUSEPORT": "", "JSON": _document(), **changes}
        for name, value in values.items():
            text = text.replace(f"@{name}@", str(value))
        path = folder / template
        path.write_text(text)
        return str(path)

    def _spawn(
        self,
        name: str,
        command: list[str],
        port: int | None,
        *,
        core: str | None = None,
        environ: dict[str, str] | None = None,
        pause: float = 0.05,
    ) -> None:
        """``pause``: seconds between two looks whether it listens."""
        cores = {int(each) for each in (core or self.load_core).split(",")}
        with (self.work / f"{name}.log").open("wb") as log:
            self.processes[name] = process = subprocess.Popen(
                command,
                stdout=log,
                stderr=log,
                cwd=self.work,
                env=os.environ | (environ or {}),
                start_new_session=True,
                preexec_fn=lambda: os.sched_setaffinity(0, cores),  # noqa: PLW1509 - one thread, and children inherit it
            )
        if port is not None:
            self.ports[name] = port
            _until(lambda: _listens(port) or process.poll() is not None, name, pause)
            if process.poll() is not None:
                raise SystemExit(f"{name} ended: {(self.work / f'{name}.log').read_text()[-2000:]}")

    def asked(self) -> int:
        """Requests that reached the upstream so far, this one not counted."""
        _, _, text = get(self.origin, "/__status")
        return int(text.decode().split("\n")[2].split()[2]) - 1


def _document() -> str:
    """About 2 KB of JSON with its path, in a form that nginx takes as one word."""
    item = {"name": "a product with a name", "price": 12.5, "tags": ["red", "blue"], "stock": True}
    items: list[dict[str, object]] = []
    while len(text := json.dumps({"path": "$uri", "items": items}, separators=(",", ":"))) < 2048 - 110:
        items.append({"id": len(items), "sku": f"SKU-{len(items) * 7919 % 100000:05d}", **item})
    return text.replace('"', '\\"')


def _listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), 0.5).close()
    except OSError:
        return False
    return True


def _until(is_so: Callable[[], bool], name: str, pause: float = 0.05) -> None:
    deadline = time.monotonic() + _STARTS_WITHIN
    while not is_so():
        if time.monotonic() > deadline:
            raise SystemExit(f"{name} did not start")
        time.sleep(pause)
