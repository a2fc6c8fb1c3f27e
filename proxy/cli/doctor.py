"""``tambo doctor``: looks at everything a Tambo of this configuration rests on, and says what is wrong and what to do.
Changes nothing but scratch names of its own in Redis and a scratch file in the data folder."""

import asyncio
import logging
import os
import socket
import ssl
from urllib.parse import urlsplit

from proxy.app.checking import check_parts
from proxy.cli.admin_client import AdminError, client_for
from proxy.cli.doctor_store import examine_folder
from proxy.cli.exits import Exit, complain_of_config
from proxy.cli.findings import Finding, advice, good, is_well, print_json, print_table, wrong
from proxy.cli.purge import Where
from proxy.config.checks import is_loopback
from proxy.config.load import Loaded, load
from proxy.config.model import Config
from proxy.config.problems import InvalidConfigError

_PATIENCE = 5.0
"""Seconds for the upstream to accept a connection."""


def doctor(where: Where, *, json_wanted: bool) -> Exit:
    """Look, and print what was found; FAILED where something is wrong."""
    logging.getLogger("tambo").addHandler(logging.NullHandler())  # what its parts have to say is in the findings
    try:
        loaded = load(os.environ, file=where.file)
        check_parts(loaded)
        findings = examine(loaded, where.admin)
    except InvalidConfigError as error:
        return complain_of_config(error)
    print_json(findings) if json_wanted else print_table(findings)
    return Exit.OK if is_well(findings) else Exit.FAILED


def examine(loaded: Loaded, admin_url: str | None) -> list[Finding]:
    """Everything, in the order in which it depends on each other. Raises InvalidConfigError."""
    config = loaded.config
    findings = [good("configuration", f"{loaded.file or 'the environment alone'} is valid")]
    findings += [advice("configuration", warning, "see tambo check") for warning in loaded.warnings]
    findings += examine_store(loaded)
    findings.append(_upstream(config))
    findings += _admin(config, admin_url)
    return findings


def examine_store(loaded: Loaded) -> list[Finding]:
    """Where answers are kept."""
    from proxy.app.settings import upstream_id  # noqa: PLC0415 - imports the server's libraries

    store = loaded.config.store
    name = upstream_id(loaded.config.upstream.url)
    if store.redis_url is None:
        return examine_folder(store.data_dir, f"tambo-{name}.sqlite", store.disk)
    from proxy.cli.doctor_redis import examine_redis  # noqa: PLC0415 - redis-py is slow to import

    return asyncio.run(examine_redis(store.redis_url.value, f"tambo:{name}", store.redis_timeout))


def _upstream(config: Config) -> Finding:
    """Whether it accepts connections; it is asked nothing, as an answer may be dear."""
    parts = urlsplit(config.upstream.url)
    place = parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)
    shown = f"{place[0]}:{place[1]}"
    try:
        with socket.create_connection(place, _PATIENCE) as link:
            if parts.scheme != "https":
                return good("upstream", f"{shown} accepts connections")
            context = ssl.create_default_context(cafile=config.upstream.ca_file)
            with context.wrap_socket(link, server_hostname=place[0]):
                return good("upstream", f"{shown} accepts connections, and its certificate is right")
    except ssl.SSLError as error:
        do = "put its certificate right, or name its authority in upstream.ca_file"
        return wrong("upstream", f"TLS with {shown} failed: {error.reason or error}", do)
    except OSError as error:
        do = "start it, or put upstream.url (UPSTREAM_URL) right"
        return wrong("upstream", f"{shown} cannot be reached: {error.strerror or error}", do)


def _admin(config: Config, admin_url: str | None) -> list[Finding]:
    admin = config.admin
    findings: list[Finding] = []
    if admin.token is not None:
        findings.append(good("admin token", "ADMIN_TOKEN is set"))
    elif is_loopback(admin.host):
        findings.append(good("admin token", "none is needed: the admin listener is for this machine alone"))
    else:
        said = f"there is none, and {admin.host} can be reached from other machines: health and metrics only"
        findings.append(wrong("admin token", said, "set ADMIN_TOKEN, or listen on 127.0.0.1"))
    try:
        client = client_for(admin, admin_url)
        health = client.ask("GET", "/health")
    except AdminError as error:
        return [*findings, advice("running Tambo", str(error), "start it, or say where it listens with --admin")]
    if health.get("redis") == "disconnected":
        said = "it runs, but Redis is out of use for it"
        findings.append(wrong("running Tambo", said, "see the findings about Redis, and Tambo's own log"))
    else:
        findings.append(good("running Tambo", f"{client.url} is {health.get('status')}"))
    try:
        client.ask("GET", "/admin/mode")
    except AdminError as error:
        findings.append(wrong("admin token", str(error), "give this shell the token that the running Tambo has"))
    return findings
