"""Pieces that several invented taxpayers share. Must not contain a whole taxpayer."""

from scraper_backend.practice_site.taxpayers import Activity, Address, Representative, WorkerPeriod

RETENTION = "Incorporado al Régimen de Agentes de Retención de IGV (R.S.037-2002) a partir del 01/06/2012"
GOOD_PAYER = "Incorporado al Régimen de Buenos Contribuyentes (R.S.180-2010) a partir del 01/09/2014"
NO_PERCEPTION = "Excluido del Régimen de Agentes de Percepción de Venta Interna (R.S.058-2006) a partir del 01/02/2015"
PORTAL = "FACTURA PORTAL                      DESDE 23/03/2015"
FACTURADOR = "SEE-FACTURADOR                      . AUTORIZ DESDE 10/01/2017"
OWN_SYSTEMS = "DESDE LOS SISTEMAS DEL CONTRIBUYENTE. AUTORIZ DESDE 01/07/2018"
FEES = "RECIBOS POR HONORARIOS     AFILIADO DESDE 02/04/2017"

TRADE = Activity("Principal", "4690", "VENTA AL POR MAYOR NO ESPECIALIZADA")
SOFTWARE = Activity("Secundaria 1", "6201", "PROGRAMACIÓN INFORMÁTICA")
CONSULTING = Activity("Secundaria 2", "7020", "ACTIVIDADES DE CONSULTORÍA DE GESTIÓN")
LIMA = Address("AV. LOS FICTICIOS NRO. 123 INT. 4 URB.  SANTA INES", "LIMA", "LIMA", "SAN ISIDRO")
MANAGER = Representative("DNI", "99999931", "PRUEBA INVENTADA ROSA ELVIRA", "GERENTE GENERAL", "15/03/2012")


def year_of_workers(*counts: tuple[str, str, str], start: int = 9) -> tuple[WorkerPeriod, ...]:
    """Consecutive months that begin in month `start` of 2024, oldest first, as the page lists them."""
    months = range(start - 1, start - 1 + len(counts))
    return tuple(WorkerPeriod(f"{2024 + m // 12}-{m % 12 + 1:02}", *c) for m, c in zip(months, counts, strict=True))
