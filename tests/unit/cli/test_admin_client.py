"""Where the admin listener is, and what its answers mean; a listener that is none answers anything."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from proxy.cli.admin_client import AdminClient, AdminError, client_for
from proxy.config.model import Admin
from proxy.config.secret import Secret


@contextmanager
def answering(raw: bytes) -> Iterator[str]:
    """A listener that says the same to one caller, whatever it wants; its URL."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            client, _ = listener.accept()
            with client:
                read = client.recv(65_536)
                while b"Content-Length: 2\r\n" in read and not read.endswith(b"{}"):
                    read += client.recv(65_536)  # what is left unread would make the end a reset
                client.sendall(raw)

        thread = threading.Thread(target=serve)
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        thread.join(5)


def response(status: str, body: bytes = b"{}") -> bytes:
    return b"HTTP/1.1 %s\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s" % (status.encode(), len(body), body)


@pytest.mark.parametrize(
    ("admin", "url"),
    [
        (Admin(), "http://127.0.0.1:8081"),
        (Admin(host="0.0.0.0", port=1), "http://127.0.0.1:1"),
        (Admin(host="::"), "http://[::1]:8081"),
        (Admin(host="fd00::1"), "http://[fd00::1]:8081"),
        (Admin(host="tambo.internal"), "http://tambo.internal:8081"),
    ],
)
def test_where_it_is(admin: Admin, url: str) -> None:
    assert client_for(admin, None).url == url


def test_a_url_wins_and_keeps_the_token() -> None:
    client = client_for(Admin(token=Secret("s3cret")), "http://other:1/-/tambo/")
    assert client == AdminClient("http://other:1/-/tambo", Secret("s3cret"))
    assert "s3cret" not in repr(client)


@pytest.mark.parametrize(
    "url", ["other:1", "ftp://h", "http://", "http://h:x", "http://h:0", "http://u@h", "http://h /"]
)
def test_what_is_no_url(url: str) -> None:
    with pytest.raises(AdminError, match="is not a URL such as"):
        client_for(Admin(), url)


def test_any_free_port_cannot_be_guessed() -> None:
    with pytest.raises(AdminError, match="say it with --admin URL"):
        client_for(Admin(port=0), None)


def _client(url: str) -> AdminClient:
    return AdminClient(url, None)


@pytest.mark.parametrize(
    ("raw", "problem"),
    [
        (b"SSH-2.0-OpenSSH\r\n\r\n", "cannot reach the admin listener at .*: its answer is not HTTP"),
        (b"", "cannot reach the admin listener at .*; is Tambo running"),
        (response("404 Not Found", b"<html>"), "does not look like Tambo's admin listener: HTTP status 404"),
        (response("500 Oops", b"[]"), "^HTTP status 500$"),
        (response("400 Bad Request", b'{"detail":"unknown name."}'), "^unknown name$"),
    ],
)
def test_what_is_no_admin_listener(raw: bytes, problem: str) -> None:
    with answering(raw) as url, pytest.raises(AdminError, match=problem):
        _client(url).post("/admin/purge", {})


@pytest.mark.parametrize(
    "raw",
    [
        response("200 OK", b"[1]"),
        response("200 OK", b""),
        response("207 Multi-Status", b'{"count":1,"unconfirmed":["a"]}')[:-5],
        b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{}",
    ],
)
def test_an_answer_that_broke_off_or_is_no_object_claims_nothing(raw: bytes) -> None:
    with answering(raw) as url, pytest.raises(AdminError, match="broke off or is no JSON object"):
        _client(url).post("/admin/purge", {})


def test_an_answer_may_be_large_and_is_never_cut() -> None:
    text = b"x" * 7_000_000  # what a stored body of 1 MiB may take in JSON
    with answering(response("200 OK", b'{"text":"%s"}' % text)) as url:
        assert _client(url).ask("GET", "/") == {"text": text.decode()}
    with answering(response("200 OK", b'{"text":"%s"}' % (text * 5))) as url, pytest.raises(AdminError, match="32 MiB"):
        _client(url).ask("GET", "/")


@pytest.mark.parametrize("make", [lambda: "http://127.0.0.1:1", lambda: "http://no-such-host.invalid:1"])
def test_nobody_there(make: Callable[[], str]) -> None:
    with pytest.raises(
        AdminError, match=r"cannot reach .*: (connection refused|its name is not known); is Tambo running"
    ):
        _client(make()).post("/admin/purge", {})
