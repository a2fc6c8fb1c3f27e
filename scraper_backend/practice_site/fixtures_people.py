"""Invented natural persons and estates, one per variant of their pages. Must not contain anybody real."""

from scraper_backend.practice_site.fixtures_common import FEES, TRADE, year_of_workers
from scraper_backend.practice_site.taxpayers import Activity, Address, IdentityDocument, Taxpayer

PERSON = Taxpayer(
    ruc="10999999013",
    name="FICTICIO - ANA MARIA",
    kind="PERSONA NATURAL SIN NEGOCIO",
    document=IdentityDocument("DNI", "99999901", "FICTICIO - , ANA MARIA"),
    enrolled="21/07/2011",
    started="21/07/2011",
    address=None,
    emission="MANUAL",
    accounting="MANUAL",
    activities=(Activity("Principal", "93098", "OTRAS ACTIVID. DE TIPO SERVICIO NCP"),),
    printed_vouchers=("RECIBO POR HONORARIOS",),
    electronic_systems=(FEES,),
    electronic_since="02/04/2017",
    electronic_vouchers="RECIBO POR HONORARIO (desde 02/04/2017)",
    loan_programmes=False,
)

PERSON_WITH_BUSINESS = Taxpayer(
    ruc="10999999021",
    name="MUÑOZ DEMO ÍTALO ANDRÉS",
    kind="PERSONA NATURAL CON NEGOCIO",
    document=IdentityDocument("DNI", "99999902", "MUÑOZ DEMO, ÍTALO ANDRÉS"),
    trade_name="BODEGA LA ÑUSTA DE PRUEBA",
    new_rus="SI",
    enrolled="02/02/2015",
    started="03/02/2015",
    address=Address("MZA. H LOTE. 12 C.P. EL ENSAYO", "PUNO", "SAN ROMAN", "JULIACA"),
    emission="MANUAL",
    accounting="MANUAL",
    activities=(Activity("Principal", "CIIU 52322", "VTA. MIN. PRODUCTOS TEXTILES, CALZADO"),),
    printed_vouchers=("BOLETA DE VENTA",),
    workers=year_of_workers(("1", "0", "0"), ("1", "0", "0")),
    loan_programmes=False,
)

FOREIGNER = Taxpayer(
    ruc="15999999015",
    name="SAMPLE DOE JANE",
    kind="PERSONA NATURAL SIN NEGOCIO",
    document=IdentityDocument("CE", "000999902", "SAMPLE DOE, JANE"),
    enrolled="14/02/2022",
    started="14/02/2022",
    address=None,
    emission="MANUAL",
    accounting="MANUAL",
    activities=(Activity("Principal", "8549", "OTROS TIPOS DE ENSEÑANZA N.C.P."),),
    printed_vouchers=("RECIBO POR HONORARIOS",),
    electronic_systems=(FEES,),
    electronic_since="02/04/2022",
    electronic_vouchers="RECIBO POR HONORARIO (desde 02/04/2022)",
    loan_programmes=False,
)

PASSPORT = Taxpayer(
    ruc="16999999011",
    name="MUESTRA VIAJERA LEÓN",
    kind="PERSONA NATURAL CON NEGOCIO",
    document=IdentityDocument("PASAPORTE", "XX999903", "MUESTRA VIAJERA, LEÓN"),
    profession="PROFESIÓN U OCUPACIÓN NO ESPECIFICADA",
    enrolled="08/08/2018",
    started="08/08/2018",
    state="BAJA PROV. POR OFICIO",
    left_on="30/06/2021",
    condition="NO HALLADO NRO. PUERTA NO EXISTE",
    condition_note=True,
    address=Address("CAL. QUE NO EXISTE NRO. 0", "PIURA", "SULLANA", "BELLAVISTA"),
    emission="MANUAL",
    accounting="MANUAL",
    activities=(TRADE,),
    loan_programmes=False,
)

UNDIVIDED_ESTATE = Taxpayer(
    ruc="17999999018",
    name="SUCESIÓN INDIVISA FICTICIO PRUEBA PEDRO",
    kind="SUCESION INDIVISA SIN NEGOCIO",
    enrolled="19/10/2016",
    started="19/10/2016",
    address=Address("JR. DE LA HERENCIA NRO. 8", "TACNA", "TACNA", "POCOLLAY"),
    emission="MANUAL",
    accounting="MANUAL",
    activities=(Activity("Principal", "6810", "ACTIVIDADES INMOBILIARIAS CON BIENES PROPIOS O ARRENDADOS"),),
    printed_vouchers=(),
    loan_programmes=False,
)

PEOPLE = (PERSON, PERSON_WITH_BUSINESS, FOREIGNER, PASSPORT, UNDIVIDED_ESTATE)
