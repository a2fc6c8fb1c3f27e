"""What an answer is made of."""

import msgspec
import pytest

from scraper_backend.models import Contribuyente, Representante, has_unreadable_letters

TAXPAYER = msgspec.json.decode(
    b"""{"numeroDocumento":"1","razonSocial":"MU\xc3\x91OZ","nombreComercial":"-","direccion":"-","distrito":"-",
    "provincia":"-","departamento":"-","ubigeo":"-","fechaInicioActividades":"-","activo":true,
    "EsAgenteRetencion":false,"actividadEconomica":"-","tipoContribuyente":"-","condicion_contribuyente":"-"}""",
    type=Contribuyente,
)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        pytest.param({}, False, id="accents are letters"),
        pytest.param({"razon_social": "MU\ufffdOZ"}, True, id="in a field"),
        pytest.param({"representante_legal": Representante(nombre="LE\ufffdN")}, True, id="in the representative"),
    ],
)
def test_unreadable_letters(change: dict[str, object], expected: bool) -> None:
    assert has_unreadable_letters(msgspec.structs.replace(TAXPAYER, **change)) is expected
