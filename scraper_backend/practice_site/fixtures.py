"""Finds a taxpayer: the written fixtures first, then invented companies, else nobody. Must not know any page.

To add a variant: write one `Taxpayer` in fixtures_companies.py or fixtures_people.py, with a RUC that begins
20999999 (companies) or 1x999999 (persons) and has a right check digit, and name it in the tuple at the file's end.
"""

from typing import Final

from scraper_backend.practice_site import ruc as arithmetic
from scraper_backend.practice_site.fixtures_common import OWN_SYSTEMS, RETENTION, SOFTWARE, TRADE, year_of_workers
from scraper_backend.practice_site.fixtures_companies import COMPANIES
from scraper_backend.practice_site.fixtures_people import PEOPLE
from scraper_backend.practice_site.taxpayers import Address, Representative, Taxpayer
from scraper_backend.practice_site.world import seeded

UNREGISTERED_RUC: Final = "20000000001"
WRONG_DIGIT_RUC: Final = "20123456789"
FIXTURES: Final = {taxpayer.ruc: taxpayer for taxpayer in (*COMPANIES, *PEOPLE)}

INVENTED_PREFIX: Final = "2099"  # SUNAT has issued numbers up to 206...: nobody real begins like this
RESERVED_PREFIX: Final = "20999999"  # kept for the written fixtures; what is not written there is not registered

TRADES: Final = ("ALFARERIA", "BOTICA", "CARPINTERIA", "DISTRIBUIDORA", "FERRETERIA", "IMPRENTA", "LIBRERIA", "TEXTIL")
ADJECTIVES: Final = ("DE PRUEBA", "FICTICIA", "HIPOTETICA", "IMAGINARIA", "SIMULADA", "SUPUESTA")
PLACES: Final = (
    ("LIMA", "LIMA", "SURQUILLO"),
    ("AMAZONAS", "CHACHAPOYAS", "CHACHAPOYAS"),
    ("LA LIBERTAD", "TRUJILLO", "MOCHE"),
    ("MADRE DE DIOS", "TAHUAMANU", "IBERIA"),
    ("PROV. CONST. DEL CALLAO", "CALLAO", "BELLAVISTA"),
    ("TUMBES", "ZARUMILLA", "AGUAS VERDES"),
)


def find(ruc: str) -> Taxpayer | None:
    """The taxpayer with this RUC, or None where the site answers that the number is not valid."""
    if ruc in FIXTURES:
        return FIXTURES[ruc]
    if arithmetic.is_valid(ruc) and ruc.startswith(INVENTED_PREFIX) and not ruc.startswith(RESERVED_PREFIX):
        return invent(ruc)
    return None


def find_by_document(kind: str, number: str) -> tuple[Taxpayer, ...]:
    """The written taxpayers with this document; `kind` is the form's code (1 DNI, 4 CE, 7 passport)."""
    kinds = {"1": ("DNI",), "4": ("CE", "CARNET DE EXTRANJERIA"), "7": ("PASAPORTE",)}.get(kind, ())
    return tuple(
        one
        for one in FIXTURES.values()
        if one.document and one.document.kind in kinds and one.document.number == number
    )


def find_by_name(part: str) -> tuple[Taxpayer, ...]:
    """The written taxpayers whose name contains `part`, letter case aside; nobody for an empty one."""
    wanted = part.strip().upper()
    return tuple(one for one in FIXTURES.values() if wanted and wanted in one.name.upper())


def invent(ruc: str) -> Taxpayer:
    """A company that depends on nothing but its RUC: the same number is the same company on every run."""
    dice = seeded(ruc)
    department, province, district = dice.choice(PLACES)
    year = dice.randint(1995, 2022)
    staff = dice.randint(1, 250)
    return Taxpayer(
        ruc=ruc,
        name=f"{dice.choice(TRADES)} {dice.choice(ADJECTIVES)} {ruc[4:10]} S.A.C.",
        kind="SOCIEDAD ANONIMA CERRADA",
        enrolled=f"{dice.randint(1, 28):02}/{dice.randint(1, 12):02}/{year}",
        started=f"{dice.randint(1, 28):02}/01/{year + 1}",
        address=Address(f"CAL. INVENTADA NRO. {dice.randint(100, 999)}", department, province, district),
        activities=(TRADE, SOFTWARE)[: dice.randint(1, 2)],
        electronic_systems=(OWN_SYSTEMS,),
        electronic_since="01/07/2018",
        electronic_vouchers="FACTURA (desde 01/07/2018)",
        padrones=(RETENTION,)[: dice.randint(0, 1)],
        workers=year_of_workers(*((str(staff + month), "0", str(month % 5)) for month in range(12))),
        representatives=(
            Representative(
                "DNI", f"9{ruc[4:10]}1", f"PERSONA INVENTADA {ruc[4:10]}", "GERENTE GENERAL", f"01/02/{year}"
            ),
        ),
    )
