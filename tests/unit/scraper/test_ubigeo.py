"""Places and their codes."""

import pytest

from scraper_backend import ubigeo


@pytest.mark.parametrize(
    ("department", "province", "district", "code"),
    [
        ("LIMA", "LIMA", "LIMA", "150101"),
        ("LIMA", "LIMA", "BREÑA", "150105"),
        ("AMAZONAS", "CHACHAPOYAS", "CHACHAPOYAS", "010101"),
        ("PROV. CONST. DEL CALLAO", "PROV. CONST. DEL CALLAO", "CALLAO", "070101"),
        ("CALLAO", "CALLAO", "BELLAVISTA", "070102"),
        ("PIURA", "SULLANA", "BELLAVISTA", "200602"),
        ("CAJAMARCA", "JAEN", "BELLAVISTA", "060802"),
        ("SAN MARTIN", "BELLAVISTA", "BELLAVISTA", "220201"),
        ("MADRE DE DIOS", "TAMBOPATA", "TAMBOPATA", "170101"),
        ("ICA", "NAZCA", "NAZCA", "110301"),
        ("ICA", "NASCA", "NASCA", "110301"),
        ("LORETO", "PUTUMAYO", "PUTUMAYO", "160801"),
        ("LIMA", "LIMA", "NINGUNA PARTE", None),
        ("", "LIMA", "MIRAFLORES", None),
    ],
)
def test_a_code_needs_all_three_names(department: str, province: str, district: str, code: str | None) -> None:
    assert ubigeo.code_of(department, province, district) == code


def test_the_table_is_whole() -> None:
    rows = ubigeo._rows()
    assert all(len(code) == 6 and code.isdigit() for code, *_ in rows)
    assert len({code[:2] for code, *_ in rows}) == 25
    assert len({code for code, *_ in rows}) == 1893
    assert len(ubigeo._codes()) == len(rows), "two places of one name in one province would hide each other"


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("AV. SOL NRO. 1 LIMA - LIMA - ATE", ("AV. SOL NRO. 1", "LIMA", "LIMA", "ATE")),
        ("CAR. KM. 2 MADRE DE DIOS - TAMBOPATA - TAMBOPATA", ("CAR. KM. 2", "MADRE DE DIOS", "TAMBOPATA", "TAMBOPATA")),
        ("AV. LA LIBERTAD 1 LA LIBERTAD - TRUJILLO - MOCHE", ("AV. LA LIBERTAD 1", "LA LIBERTAD", "TRUJILLO", "MOCHE")),
        (
            "Z.I. A PROV. CONST. DEL CALLAO - PROV. CONST. DEL CALLAO - CALLAO",
            ("Z.I. A", "PROV. CONST. DEL CALLAO", "PROV. CONST. DEL CALLAO", "CALLAO"),
        ),
        (f"JR. A - B{' ' * 80}ICA{' ' * 127} - PISCO{' ' * 125} - PARACAS", ("JR. A - B", "ICA", "PISCO", "PARACAS")),
        ("URB.  SANTA  INES ANCASH - SANTA - CHIMBOTE", ("URB. SANTA INES", "ANCASH", "SANTA", "CHIMBOTE")),
        ("ÁNCASH - HUARAZ - HUARAZ", ("", "ÁNCASH", "HUARAZ", "HUARAZ")),
        ("CALLE 1 ATLANTIDA - X - Y", ("CALLE 1 ATLANTIDA", "", "X", "Y")),
        ("SIN SEPARADORES", ("SIN SEPARADORES", "", "", "")),
        ("", ("", "", "", "")),
    ],
)
def test_addresses_are_parted_at_their_end(text: str, parts: tuple[str, str, str, str]) -> None:
    assert ubigeo.part(text) == parts
