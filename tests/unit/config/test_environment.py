"""Variables over the tree."""

from pathlib import Path

import pytest

from proxy.config.environment import SHORT_NAMES, overlay
from proxy.config.keys import scalar_keys
from proxy.config.model import Config
from proxy.config.tree import Leaf, Table, plain


def laid(environ: dict[str, str]) -> tuple[object, list[str]]:
    root = Table({}, "")
    problems = overlay(root, environ)
    return plain(root), [str(problem) for problem in problems]


def test_short_names_stand_for_keys_that_exist() -> None:
    assert set(SHORT_NAMES.values()) <= {key for key, _ in scalar_keys(Config)}


@pytest.mark.parametrize(
    ("environ", "tree"),
    [
        ({"UPSTREAM_URL": " http://h "}, {"upstream": {"url": "http://h"}}),
        ({"PORT": "80", "ADMIN_PORT": "81"}, {"listen": {"port": "80"}, "admin": {"port": "81"}}),
        ({"TAMBO_UPSTREAM__TIMEOUT__TOTAL": "5s"}, {"upstream": {"timeout": {"total": "5s"}}}),
        ({"TAMBO_CONFIG": "x", "PATH": "/bin", "HOME": "/"}, {}),
        (  # a service named tambo, and one named tambo-proxy: what Kubernetes puts there
            {
                **{"TAMBO_SERVICE_HOST": "10.0.0.1", "TAMBO_SERVICE_PORT": "80", "TAMBO_SERVICE_PORT_HTTP": "80"},
                "TAMBO_SERVICE_PORT_HTTP_PORT": "80",
                **{"TAMBO_PORT": "tcp://10.0.0.1:80", "TAMBO_PORT_80_TCP": "tcp://10.0.0.1:80"},
                **{
                    "TAMBO_PORT_80_TCP_PROTO": "tcp",
                    "TAMBO_PORT_80_TCP_PORT": "80",
                    "TAMBO_PORT_80_TCP_ADDR": "10.0.0.1",
                },
                **{
                    "TAMBO_PORT_53_UDP_PORT": "53",
                    "TAMBO_PORT_9_SCTP": "sctp://10.0.0.1:9",
                    "TAMBO_PORT_9_SCTP_PORT": "9",
                },
                **{"TAMBO_PROXY_PORT": "tcp://10.0.0.2:80", "TAMBO_PROXY_SERVICE_HOST": "10.0.0.2"},
            },
            {},
        ),
    ],
)
def test_variables_are_laid_over(environ: dict[str, str], tree: object) -> None:
    assert laid(environ) == (tree, [])


@pytest.mark.parametrize(
    ("environ", "problem"),
    [
        ({"TAMBO_UPSTREAM_URL": "x"}, "TAMBO_UPSTREAM_URL: unknown variable; did you mean TAMBO_UPSTREAM__URL?"),
        ({"TAMBO_PORT": "8080"}, "TAMBO_PORT: unknown variable; did you mean "),
        ({"TAMBO_ADMIN_PORT": "8081"}, "TAMBO_ADMIN_PORT: unknown variable; did you mean "),
        ({"TAMBO_SERVICE_HOSTS": "x"}, "TAMBO_SERVICE_HOSTS: unknown variable"),
        ({"TAMBO_ZZZZZ": "x"}, "TAMBO_ZZZZZ: unknown variable; see TAMBO_SECTION__KEY"),
        ({"TAMBO_UPSTREAM____URL": "x"}, "TAMBO_UPSTREAM____URL: unknown variable"),
        (
            {"PORT": "1", "TAMBO_LISTEN__PORT": "2"},
            "environment: listen.port: is set by both PORT and TAMBO_LISTEN__PORT; set one of them",
        ),
        ({"TAMBO_ROUTES__RUC__TTL": "1"}, None),
        (
            {"TAMBO_UPSTREAM": "{}", "TAMBO_UPSTREAM__URL": "x"},
            "TAMBO_UPSTREAM__URL: upstream.url: upstream was set as a whole by TAMBO_UPSTREAM",
        ),
    ],
)
def test_what_is_wrong_is_named(environ: dict[str, str], problem: str | None) -> None:
    _, told = laid(environ)
    assert (told[0].startswith(problem) if problem else told == []) is True


@pytest.mark.parametrize("variable", ["ADMIN_TOKEN_FILE", "TAMBO_ADMIN__TOKEN_FILE"])
def test_secrets_may_stand_in_a_file(tmp_path: Path, variable: str) -> None:
    (tmp_path / "token").write_text("s3cret\n")
    root = Table({}, "")
    assert overlay(root, {variable: str(tmp_path / "token")}) == []
    admin = root.entries["admin"]
    assert isinstance(admin, Table)
    assert admin.entries["token"] == Leaf("s3cret", f"{variable} ({tmp_path}/token)", is_text=True)


def test_a_secrets_file_that_cannot_be_read(tmp_path: Path) -> None:
    _, told = laid({"REDIS_URL_FILE": str(tmp_path / "no")})
    assert told[0].startswith("REDIS_URL_FILE: store.redis_url: the file")
    assert told[0].endswith("cannot be read: no such file or directory")
    (tmp_path / "latin").write_bytes(b"\xff")
    _, told = laid({"ADMIN_TOKEN_FILE": str(tmp_path / "latin")})
    assert told[0].endswith("cannot be read: not UTF-8 text")


def test_a_secret_and_its_file_are_one_too_many(tmp_path: Path) -> None:
    _, told = laid({"ADMIN_TOKEN": "a", "ADMIN_TOKEN_FILE": str(tmp_path)})
    assert told == ["environment: admin.token: is set by both ADMIN_TOKEN and ADMIN_TOKEN_FILE; set one of them"]
