"""The two objects that go over the wire, under the names callers know. No behaviour but their encoding."""

from typing import Final

import msgspec

from scraper_backend.text import UNREADABLE

NO_DATA: Final = "Sin datos"
NOT_GIVEN: Final = "No especificado"
NO_UBIGEO: Final = "Sin ubigeo"
NONE_SHOWN: Final = "-"


class Representante(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One legal representative; "Sin datos" in every field when there is none."""

    tipo_documento: str = NO_DATA
    nro_documento: str = NO_DATA
    nombre: str = NO_DATA
    cargo: str = NO_DATA
    fecha_desde: str = NO_DATA


class Contribuyente(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A taxpayer as answered. The key order and the odd capitals of three keys are the API's."""

    numero_documento: str
    razon_social: str
    nombre_comercial: str
    direccion: str
    distrito: str
    provincia: str
    departamento: str
    ubigeo: str
    fecha_inicio_actividades: str
    activo: bool
    es_agente_retencion: bool = msgspec.field(name="EsAgenteRetencion")
    actividad_economica: str
    tipo_contribuyente: str
    condicion_contribuyente: str = msgspec.field(name="condicion_contribuyente")
    numero_trabajadores: str = NO_DATA
    prestadores_de_servicios: str = msgspec.field(name="prestadoresdeServicios", default=NO_DATA)
    representante_legal: Representante = Representante()
    error: str | None = None
    """None when everything was read; else which part is missing, although SUNAT may have it."""


def has_unreadable_letters(found: Contribuyente) -> bool:
    """Whether some letter was lost in decoding: better said than kept for a week as if it were a name."""
    return UNREADABLE in msgspec.json.encode(found).decode()


class Fallo(msgspec.Struct, frozen=True, kw_only=True):
    """The body of every error."""

    message: str
    detail: str
    ruc: str | None
