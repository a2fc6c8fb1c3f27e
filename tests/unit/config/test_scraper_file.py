"""The bundled configuration for the scraper: which of its answers are answers, old shapes and new."""

import json
from pathlib import Path
from typing import Any

import pytest

from proxy.config.load import Loaded, load
from proxy.config.surprises import surprises
from proxy.policy.body_rules import judge
from proxy.policy.cache_key import cache_key
from proxy.policy.disposition import Verdict
from proxy.policy.messages import Windows
from proxy.policy.route import ForwardFields, Match, Mode, match_route
from tests.support.builders import a_request, a_response

FILE = Path(__file__).parents[3] / "tambo.scraper.toml"
PATHS = ("/obtener-ruc/20999999019", "/api/integracion-sunat/obtener-ruc/20999999019")
DAY = 86_400

GOOD: dict[str, Any] = {
    "numeroDocumento": "20999999019",
    "razonSocial": "EMPRESA DE PRUEBA S.A.C.",
    "nombreComercial": "-",
    "direccion": "AV. UNO NRO. 1",
    "distrito": "LIMA",
    "provincia": "LIMA",
    "departamento": "LIMA",
    "ubigeo": "150101",
    "fechaInicioActividades": "01/01/2001",
    "activo": True,
    "EsAgenteRetencion": False,
    "actividadEconomica": "OTROS",
    "tipoContribuyente": "SOCIEDAD ANONIMA CERRADA",
    "condicion_contribuyente": "HABIDO",
    "numeroTrabajadores": "12",
    "prestadoresdeServicios": "0",
    "representanteLegal": {
        "tipoDocumento": "DNI",
        "nroDocumento": "00000000",
        "nombre": "NADIE",
        "cargo": "GERENTE GENERAL",
        "fechaDesde": "01/01/2001",
    },
    "error": None,
}
NOBODY = dict.fromkeys(GOOD["representanteLegal"], "Sin datos")
NOTHING_READ = {name: "Sin datos" if isinstance(value, str) else value for name, value in GOOD.items()} | {
    "numeroDocumento": "20999999019",
    "activo": False,
    "representanteLegal": NOBODY,
}
ERROR = {"message": "Error al consultar RUC", "detail": "No se pudo obtener información", "ruc": "20999999019"}


@pytest.fixture(scope="module")
def loaded() -> Loaded:
    """The file as compose and make run use it."""
    return load({"UPSTREAM_URL": "http://scraper:8000"}, file=str(FILE))


def taken(loaded: Loaded, path: str) -> Match:
    return match_route(loaded.routes, "GET", path.partition("?")[0])


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(
    ("body", "verdict"),
    [
        pytest.param(GOOD, Verdict.OK, id="a company"),
        pytest.param(GOOD | {"representanteLegal": NOBODY}, Verdict.OK, id="a natural person has no representative"),
        pytest.param(
            GOOD | {"numeroTrabajadores": "Sin datos", "prestadoresdeServicios": "Sin datos"},
            Verdict.OK,
            id="a company that declared no workers",
        ),
        pytest.param(GOOD | {"direccion": "No especificado", "ubigeo": "Sin ubigeo"}, Verdict.OK, id="no address"),
        pytest.param(
            {("condicionContribuyente" if name == "condicion_contribuyente" else name): v for name, v in GOOD.items()},
            Verdict.OK,
            id="the condition's later name",
        ),
        pytest.param({name: v for name, v in GOOD.items() if name != "error"}, Verdict.OK, id="no error key at all"),
        pytest.param(GOOD | {"error": "representanteLegal"}, Verdict.NEGATIVE, id="a part is missing"),
        pytest.param(
            NOTHING_READ | {"razonSocial": "Error en consulta", "error": "timeout"}, Verdict.FAILURE, id="error record"
        ),
        pytest.param(
            {"razonSocial": "Error en consulta"}, Verdict.FAILURE, id="error record without error, ubigeo and condition"
        ),
        pytest.param(ERROR, Verdict.FAILURE, id="documented error"),
        pytest.param(ERROR | {"ruc": None}, Verdict.FAILURE, id="documented error without a RUC"),
        pytest.param({"detail": ERROR}, Verdict.FAILURE, id="nested under detail"),
        pytest.param(
            {"detail": {"message": "Error interno del servidor", "detail": "", "ruc": None}},
            Verdict.FAILURE,
            id="nested, unexpected",
        ),
        pytest.param([ERROR, 400], Verdict.FAILURE, id="a pair that became an array"),
        pytest.param([{"detail": ERROR}, 500], Verdict.FAILURE, id="a nested pair"),
        pytest.param([GOOD, 200], Verdict.FAILURE, id="an array is never an answer"),
        pytest.param({"detail": "Not Found"}, Verdict.FAILURE, id="the framework's own error"),
        pytest.param({"detail": [{"loc": ["path", "ruc"], "msg": "x"}]}, Verdict.FAILURE, id="the framework's 422"),
        pytest.param({"message": "x"}, Verdict.FAILURE, id="message alone"),
        pytest.param(NOTHING_READ, Verdict.FAILURE, id="Sin datos everywhere"),
        pytest.param(
            NOTHING_READ | {"razonSocial": "EMPRESA S.A.C."}, Verdict.FAILURE, id="Sin datos everywhere but the name"
        ),
        pytest.param(GOOD | {"direccion": "Sin datos"}, Verdict.FAILURE, id="the address was not recognised"),
        pytest.param({k: v for k, v in GOOD.items() if k != "razonSocial"}, Verdict.FAILURE, id="no name"),
        pytest.param(GOOD | {"razonSocial": ""}, Verdict.FAILURE, id="an empty name"),
        pytest.param(GOOD | {"razonSocial": None}, Verdict.FAILURE, id="a null name"),
        pytest.param({}, Verdict.FAILURE, id="an empty object"),
        pytest.param([], Verdict.FAILURE, id="an empty array"),
        pytest.param(None, Verdict.FAILURE, id="null"),
        pytest.param("Error", Verdict.FAILURE, id="a text"),
    ],
)
def test_what_a_200_means(loaded: Loaded, path: str, body: object, verdict: Verdict) -> None:
    raw = json.dumps(body, ensure_ascii=False).encode()
    assert judge(raw, a_response(), taken(loaded, path).route).verdict is verdict


@pytest.mark.parametrize("path", PATHS)
def test_an_honest_404_is_kept_for_an_hour(loaded: Loaded, path: str) -> None:
    route = taken(loaded, path).route
    assert judge(json.dumps(ERROR).encode(), a_response(404), route).verdict is Verdict.OK
    assert route.ttl_by_status == {404: 3_600}
    assert route.statuses is not None
    assert 404 in route.statuses
    assert not {400, 500, 502, 503, 504} & route.statuses


def test_both_paths_are_one_thing(loaded: Loaded) -> None:
    keys = {cache_key(a_request(path), taken(loaded, path)).text for path in (*PATHS, f"{PATHS[0]}?x=1&y=2")}
    assert keys == {"sunat:ruc:20999999019"}
    first, second = (taken(loaded, path).route for path in PATHS)
    assert (first.name, second.name) == ("ruc", "ruc-api")
    for name in ("mode", "ttl", "ttl_by_status", "key", "tags", "statuses", "cookies_ignored", "jitter", "archive"):
        assert getattr(first, name) == getattr(second, name), name
    assert [(r.when, r.verdict) for r in first.verdicts] == [(r.when, r.verdict) for r in second.verdicts]


def test_how_long(loaded: Loaded) -> None:
    route = taken(loaded, PATHS[0]).route
    assert (route.mode, route.forward_fields) == (Mode.OVERRIDE, ForwardFields.STRICT)
    assert (route.ttl, route.jitter, route.negative_ttl) == (7 * DAY, 0.1, 600)
    windows = Windows(route.stale_while_revalidate or 0, route.stale_if_error or 0, route.archive)
    assert windows == Windows(7 * DAY, 30 * DAY, 365 * DAY)
    assert route.tags == ("sunat", "ruc:{ruc}")


def test_cache_ttl_still_changes_it() -> None:
    changed = load({"UPSTREAM_URL": "http://h", "CACHE_TTL": "3600"}, file=str(FILE))
    assert taken(changed, PATHS[0]).route.ttl == 3_600


@pytest.mark.parametrize(
    "path",
    [
        "/health",
        "/",
        "/docs",
        "/obtener-ruc/1",
        "/obtener-ruc/2099999901٩",
        "/obtener-ruc/20999999019/",
        "/obtener-ruc/",
    ],
)
def test_everything_else_is_passed_on(loaded: Loaded, path: str) -> None:
    route = taken(loaded, path).route
    assert (route.name, route.cache) == ("rest", False)


def test_the_scraper_is_spared(loaded: Loaded) -> None:
    upstream = loaded.config.upstream
    limits, timeout = upstream.concurrency, upstream.timeout
    assert (limits.max, limits.queue, upstream.queue_timeout) == (4, 100, 120)
    assert (timeout.first_byte, timeout.total) == (90, 120)
    assert (*loaded.warnings, *surprises(loaded.config, loaded.routes)) == ()


def test_redis_is_taken_from_the_environment() -> None:
    environ = {"UPSTREAM_URL": "http://scraper:8000", "REDIS_URL": "redis://redis:6379/0"}
    assert str(load(environ, file=str(FILE)).config.store.redis_url) == "redis://redis:6379/0"
