"""Other caches to stand beside Tambo: each with the settings that its users usually give it, written into a folder of
its own. Starts nothing by itself.

Who is not on this machine is left out. Where a product has a way to join requests for one key it is turned on; time
limits stay what they are by default.
"""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).parents[2]
_SBIN = os.pathsep.join((os.environ.get("PATH", ""), "/usr/sbin", "/usr/local/sbin"))
_IS_ROOT = os.geteuid() == 0


@dataclass(frozen=True)
class Start:
    """What to run, and in which environment beside PATH."""

    command: list[str]
    environ: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Peer:
    """One product. ``prepare`` writes its settings into a folder, for a port of its own and the upstream's."""

    name: str
    program: str
    version: tuple[str, ...]
    prepare: Callable[[Path, int, int], Start]

    @property
    def path(self) -> str | None:
        """The program's file; None: it is not installed."""
        return shutil.which(self.program, path=_SBIN)

    def says_version(self) -> str:
        """The number that it gives itself."""
        assert self.path is not None
        done = subprocess.run([self.path, *self.version], capture_output=True, text=True, check=False, cwd=ROOT)
        found = re.search(r"\d+(\.\d+)+", done.stdout + done.stderr)
        return found[0] if found else "?"


def _write(path: Path, text: str) -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return str(path)


def _tambo(folder: Path, port: int, upstream: int) -> Start:
    return Start(
        [sys.executable, "-m", "proxy", "run"],
        {
            "UPSTREAM_URL": f"http://127.0.0.1:{upstream}",
            "HOST": "127.0.0.1",
            "PORT": str(port),
            "ADMIN_PORT": "0",
            "DATA_DIR": str(folder / "data"),
            "PYTHONPATH": str(ROOT),
        },
    )


def _nginx(folder: Path, port: int, upstream: int) -> Start:
    temporary = "\n".join(
        f"  {kind}_temp_path {folder}/{kind};" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    settings = f"""
daemon off;
{"user root;" if _IS_ROOT else ""}
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{ worker_connections 2048; }}
http {{
  access_log off;
{temporary}
  proxy_cache_path {folder}/cache keys_zone=all:10m;
  server {{
    listen 127.0.0.1:{port};
    location / {{
      proxy_pass http://127.0.0.1:{upstream};
      proxy_cache all;
      proxy_cache_lock on;
      proxy_cache_use_stale error timeout updating http_500 http_502 http_503 http_504;
      proxy_cache_background_update on;
    }}
  }}
}}
"""
    return Start(
        ["nginx", "-p", str(folder), "-e", f"{folder}/error.log", "-c", _write(folder / "nginx.conf", settings)]
    )


def _varnish(folder: Path, port: int, upstream: int) -> Start:
    places = ["-n", str(folder / "varnish"), "-a", f"127.0.0.1:{port}", "-b", f"127.0.0.1:{upstream}"]
    return Start(["varnishd", "-j", "none", "-F", "-T", "none", "-s", "malloc,64m", *places])


def _haproxy(folder: Path, port: int, upstream: int) -> Start:
    # The time limits are those of Debian's own file: without any it warns that they are missing.
    settings = f"""
global
  maxconn 2000
defaults
  mode http
  timeout connect 5000
  timeout client 50000
  timeout server 50000
cache all
  total-max-size 64
  max-age 240
frontend clients
  bind 127.0.0.1:{port}
  http-request cache-use all
  http-response cache-store all
  default_backend api
backend api
  server api 127.0.0.1:{upstream}
"""
    return Start(["haproxy", "-db", "-f", _write(folder / "haproxy.cfg", settings)])


def _squid(folder: Path, port: int, upstream: int) -> Start:
    settings = f"""
http_port 127.0.0.1:{port} accel defaultsite=127.0.0.1 no-vhost
cache_peer 127.0.0.1 parent {upstream} 0 no-query originserver name=api
http_access allow all
collapsed_forwarding on
cache_mem 64 MB
visible_hostname stampede
pid_filename {folder}/squid.pid
coredump_dir {folder}
cache_log {folder}/cache.log
access_log none
netdb_filename none
pinger_enable off
shutdown_lifetime 0 seconds
"""
    return Start(["squid", "-N", "-f", _write(folder / "squid.conf", settings)])


def _traffic_server(folder: Path, port: int, upstream: int) -> Start:
    places = {f"{name}dir": folder / name for name in ("sysconf", "data", "localstate", "runtime", "log", "cache")}
    for place in places.values():
        place.mkdir()
    settings = places["sysconfdir"]
    shutil.copytree("/etc/trafficserver", settings, dirs_exist_ok=True)
    layout = "".join(f"{name}: {place}\n" for name, place in places.items())
    layout = _write(folder / "runroot.yaml", f"prefix: {folder}\n{layout}libexecdir: /usr/lib/trafficserver/modules\n")
    # Of the time limits none is touched. The rest is what its documentation gives for joining requests.
    _write(
        settings / "records.config",
        f"""
CONFIG proxy.config.http.server_ports STRING {port}:ip-in=127.0.0.1
CONFIG proxy.config.admin.user_id STRING #-1
CONFIG proxy.config.cache.enable_read_while_writer INT 1
CONFIG proxy.config.http.background_fill_active_timeout INT 0
CONFIG proxy.config.http.background_fill_completed_threshold FLOAT 0.0
CONFIG proxy.config.http.cache.max_open_read_retries INT 5
CONFIG proxy.config.http.cache.open_read_retry_time INT 10
""",
    )
    _write(settings / "remap.config", f"map / http://127.0.0.1:{upstream}/\n")
    _write(settings / "storage.config", f"{places['cachedir']} 64M\n")
    return Start(["traffic_server", f"--run-root={layout}"])


PEERS = (
    Peer("Tambo", sys.executable, ("-m", "proxy", "version"), _tambo),
    Peer("nginx", "nginx", ("-v",), _nginx),
    Peer("Varnish", "varnishd", ("-V",), _varnish),
    Peer("Squid", "squid", ("-v",), _squid),
    Peer("Traffic Server", "traffic_server", ("-V",), _traffic_server),
    Peer("HAProxy", "haproxy", ("-v",), _haproxy),
)
