"""Invented companies and public bodies, one per variant of their pages. Must not contain anything real."""

from scraper_backend.practice_site.fixtures_common import (
    CONSULTING,
    FACTURADOR,
    GOOD_PAYER,
    LIMA,
    MANAGER,
    NO_PERCEPTION,
    OWN_SYSTEMS,
    PORTAL,
    RETENTION,
    SOFTWARE,
    TRADE,
    year_of_workers,
)
from scraper_backend.practice_site.taxpayers import (
    Activity,
    Address,
    Annex,
    History,
    Representative,
    Taxpayer,
    WorkerPeriod,
)

COMPANY = Taxpayer(
    ruc="20999999019",
    name="ALFARERIA DE PRUEBA EL CANTARO S.A.C.",
    kind="SOCIEDAD ANONIMA CERRADA",
    trade_name="EL CÁNTARO",
    enrolled="12/03/2012",
    started="15/03/2012",
    address=LIMA,
    emission="MANUAL/COMPUTARIZADO",
    foreign_trade="IMPORTADOR/EXPORTADOR",
    activities=(TRADE, SOFTWARE, CONSULTING),
    printed_vouchers=("FACTURA", "BOLETA DE VENTA", "GUIA DE REMISION - REMITENTE"),
    electronic_systems=(PORTAL, FACTURADOR, OWN_SYSTEMS),
    electronic_since="23/03/2015",
    electronic_vouchers="FACTURA (desde 23/03/2015),BOLETA (desde 10/01/2017)",
    ple_since="01/01/2013",
    workers=year_of_workers(
        *((str(30 + n), "0", str(n % 4)) for n in range(11)),
        ("42", "1", "7"),
    ),
    representatives=(
        Representative("DNI", "99999921", "FICTICIO DEMO JUAN CARLOS", "APODERADO", "02/05/2016"),
        MANAGER,
        Representative("CE", "000999941", "SAMPLE MADE-UP PETER", "DIRECTOR", "10/10/2019"),
    ),
    annexes=(
        Annex(
            "0001",
            "SU. SUCURSAL",
            "CAL. IMAGINARIA NRO. 45 LIMA - LIMA - MIRAFLORES",
            "4690 - VENTA AL POR MAYOR NO ESPECIALIZADA",
        ),
    ),
    history=History(
        names=(("ALFARERIA DE PRUEBA EL CANTARO E.I.R.L.", "14/08/2014"),),
        conditions=(("NO HABIDO", "01/02/2013", "30/04/2013"),),
        addresses=(("JR. INEXISTENTE NRO. 9 LIMA - LIMA - BREÑA", "20/01/2016"),),
    ),
)

RETENTION_AGENT = Taxpayer(
    ruc="20999999027",
    name="MADERERA DE ENSAYO TAMBOPATA S.R.L.",
    kind="SOC.COM.RESPONS. LTDA",
    enrolled="03/11/1998",
    started="01/12/1998",
    address=Address("CAR. INTEROCEANICA KM. 12.5 (FRENTE AL GRIFO)", "MADRE DE DIOS", "TAMBOPATA", "TAMBOPATA"),
    activities=(Activity("Principal", "16100", "ASERRADO Y ACEPILLADURA DE MADERA"),),
    electronic_systems=(OWN_SYSTEMS,),
    electronic_since="01/07/2018",
    electronic_vouchers="FACTURA (desde 01/07/2018)",
    padrones=(GOOD_PAYER, RETENTION),
    workers=year_of_workers(*(("118", "2", "15"),) * 12),
    representatives=(MANAGER,),
)

STRUCK_OFF = Taxpayer(
    ruc="20999999035",
    name="TRANSPORTES SUPUESTOS DEL SUR E.I.R.L.",
    kind="EMPRESA INDIVIDUAL DE RESP. LTDA",
    enrolled="20/06/2005",
    started="01/07/2005",
    state="BAJA DE OFICIO",
    left_on="31/10/2016",
    address=Address("JR. HIPOTETICO NRO. 77", "AREQUIPA", "AREQUIPA", "CERRO COLORADO"),
    emission="MANUAL",
    accounting="MANUAL",
    activities=(Activity("Principal", "60230", "TRANSPORTE DE CARGA POR CARRETERA"),),
    printed_vouchers=("FACTURA",),
    representatives=(Representative("DNI", "99999951", "NADIE FICTICIO LUIS", "TITULAR-GERENTE", "20/06/2005"),),
)

SUSPENDED = Taxpayer(
    ruc="20999999043",
    name="COMERCIAL HIPOTESIS S.A.",
    kind="SOCIEDAD ANONIMA",
    enrolled="09/09/2009",
    started="09/09/2009",
    state="SUSPENSION TEMPORAL",
    condition="NO HABIDO",
    condition_note=True,
    address=Address("PJ. SIN NOMBRE MZA. B LOTE. 3", "ICA", "PISCO", "SAN CLEMENTE"),
    activities=(TRADE,),
    workers=year_of_workers(("0", "0", "0"), ("NE", "NE", "NE")),
    representatives=(
        Representative("DNI", "99999961", "ENSAYO DEMO MARÍA DEL CARMEN", "GERENTE GENERAL", "09/09/2009"),
    ),
)

HYPHENS = Taxpayer(
    ruc="20999999051",
    name="INVERSIONES NORTE - SUR & HERMANOS S.A.C.",
    kind="SOCIEDAD ANONIMA CERRADA",
    enrolled="17/05/2010",
    started="01/06/2010",
    address=Address(
        "AV. LARCO - HERRERA NRO. 500 - A (ALT. CDRA 5 - ESQ. CON CAL. 9)", "LA LIBERTAD", "TRUJILLO", "VICTOR LARCO"
    ),
    activities=(
        Activity("Principal", "5610", "ACTIVIDADES DE RESTAURANTES - SERVICIO MÓVIL DE COMIDAS"),
        Activity("Secundaria 1", "8690 ", "OTRAS ACTIVIDADES, N.C.P."),
    ),
    electronic_systems=(PORTAL,),
    electronic_since="23/03/2015",
    electronic_vouchers="FACTURA (desde 23/03/2015)",
    workers=year_of_workers(*(("9", "0", "1"),) * 12),
    representatives=(
        Representative("PAS", "XX999971", "D'INVENTO & CO - LEÓN ANA", "SUB-GERENTE", "17/05/2010"),
        Representative("DNI", "99999972", "DEMO PEÑA ÍTALO", "GERENTE", "18/05/2010"),
    ),
)

STREETS = ("AV. DEL EJEMPLO", "JR. LA MUESTRA", "CAL. EL MODELO", "PRO. LOS ENSAYOS")
PUBLIC_BODY = Taxpayer(
    ruc="20999999060",
    name="MUNICIPALIDAD DISTRITAL DE VILLA IMAGINARIA",
    kind="GOBIERNO REGIONAL, LOCAL",
    enrolled="12/04/1993",
    started="01/01/1920",
    address=Address("PZA. DE ARMAS S/N", "SAN MARTIN", "MOYOBAMBA", "SORITOR"),
    accounting="MANUAL/COMPUTARIZADO",
    activities=(Activity("Principal", "8411", "ACTIVIDADES DE LA ADMINISTRACIÓN PÚBLICA EN GENERAL"),),
    printed_vouchers=("COMPROBANTE DE RETENCION",),
    padrones=(RETENTION,),
    workers=year_of_workers(*(("345", "27", "88"),) * 12),
    representatives=(Representative("DNI", "99999981", "ALCALDE DE PRUEBA RAÚL", "ALCALDE", "01/01/2023"),),
    annexes=tuple(
        Annex(
            f"{n:04}",
            "LO. LOCAL COMERCIAL O DE SERVICIO" if n % 3 else "DE. DEPOSITO",
            f"{STREETS[n % 4]} NRO. {n} SAN MARTIN - MOYOBAMBA - SORITOR",
            "8411 - ACTIVIDADES DE LA ADMINISTRACIÓN PÚBLICA EN GENERAL",
        )
        for n in range(1, 66)
    ),
    loan_programmes=False,
)

NOTHING_DECLARED = Taxpayer(
    ruc="20999999078",
    name="ASOCIACION DE AMIGOS DEL EJEMPLO",
    kind="ASOCIACION",
    enrolled="30/01/2020",
    started="01/02/2020",
    address=Address("JR. VACIO S/N", "CUSCO", "LA CONVENCION", "SANTA ANA"),
    emission="MANUAL",
    accounting="MANUAL",
    activities=(Activity("Principal", "9499", "ACTIVIDADES DE OTRAS ASOCIACIONES N.C.P."),),
    printed_vouchers=(),
)

EXCLUDED_AGENT = Taxpayer(
    ruc="20999999086",
    name="DISTRIBUIDORA SIMULADA DEL CENTRO S.A.",
    kind="SOCIEDAD ANONIMA",
    enrolled="11/11/2001",
    started="12/11/2001",
    address=Address("CAL. REAL NRO. 1010", "JUNIN", "HUANCAYO", "EL TAMBO"),
    activities=(TRADE,),
    electronic_systems=(FACTURADOR,),
    electronic_since="10/01/2017",
    electronic_vouchers="FACTURA (desde 10/01/2017)",
    padrones=(NO_PERCEPTION,),
    workers=year_of_workers(*(("21", "0", "0"),) * 12),
    representatives=(MANAGER,),
)

CALLAO = Taxpayer(
    ruc="20999999094",
    name="OPERADOR PORTUARIO FICTICIO S.A.A.",
    kind="SOCIEDAD ANONIMA ABIERTA",
    enrolled="05/05/2003",
    started="06/05/2003",
    address=Address("AV. CONTRALMIRANTE DEMO NRO. 1 Z.I. PUERTO", "PROV. CONST. DEL CALLAO", "CALLAO", "CALLAO"),
    activities=(Activity("Principal", "5222", "ACTIVIDADES DE SERVICIOS VINCULADAS AL TRANSPORTE ACUÁTICO"),),
    electronic_systems=(OWN_SYSTEMS,),
    electronic_since="01/07/2018",
    electronic_vouchers="FACTURA (desde 01/07/2018)",
    workers=year_of_workers(*(("60", "0", "3"),) * 11, ("NE", "NE", "NE")),
    representatives=(MANAGER,),
)

VERY_LONG = Taxpayer(
    ruc="20999999108",
    name="CORPORACION DE PRUEBAS DE CARGA " + "Y DERIVADOS " * 12 + "S.A.",
    kind="SOCIEDAD ANONIMA",
    enrolled="01/01/1994",
    started="01/01/1994",
    address=Address("AV. " + "LARGUISIMA " * 20 + "NRO. 99999", "LAMBAYEQUE", "CHICLAYO", "JOSE LEONARDO ORTIZ"),
    activities=(TRADE, SOFTWARE, CONSULTING),
    printed_vouchers=tuple(f"COMPROBANTE DE ENSAYO - SERIE {n}" for n in range(1, 201)),
    electronic_systems=tuple(f"SISTEMA DE ENSAYO {n:03}           . AUTORIZ DESDE 01/01/2019" for n in range(1, 201)),
    electronic_since="01/01/2019",
    electronic_vouchers=",".join(f"DOCUMENTO {n} (desde 01/01/2019)" for n in range(1, 201)),
    padrones=(*(f"Incorporado al Padrón de Ensayo {n} a partir del 01/01/2020" for n in range(1, 201)), RETENTION),
    workers=tuple(
        WorkerPeriod(f"{1995 + n // 12}-{n % 12 + 1:02}", str(1000 + n), str(n % 7), str(n % 50)) for n in range(365)
    ),
    representatives=tuple(
        Representative(
            "DNI", f"{90000000 + n}", f"REPRESENTANTE DE PRUEBA {n}", "GERENTE" if n == 1 else "APODERADO", "01/01/2000"
        )
        for n in range(800)
    ),
    annexes=tuple(
        Annex(f"{n:04}", "SU. SUCURSAL", f"AV. DE LA CARGA NRO. {n} LIMA - LIMA - ATE", "4690 - VENTA AL POR MAYOR")
        for n in range(1, 901)
    ),
)

COMPANIES = (
    COMPANY,
    RETENTION_AGENT,
    STRUCK_OFF,
    SUSPENDED,
    HYPHENS,
    PUBLIC_BODY,
    NOTHING_DECLARED,
    EXCLUDED_AGENT,
    CALLAO,
    VERY_LONG,
)
