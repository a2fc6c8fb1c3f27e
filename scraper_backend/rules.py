"""What each sign means for a look-up: whether to ask again, after what pause, and the error it ends in. Pure data."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, auto
from typing import Final

from scraper_backend.errors import DeadlinePassed, InvalidRuc, LookupFailed, NotRegistered, NotUnderstood, Unavailable
from scraper_backend.pages import Sign


class Pause(Enum):
    """How long to wait before asking again."""

    NONE = auto()
    BACK_OFF = auto()
    FIREWALL = auto()


@dataclass(frozen=True, slots=True)
class Rule:
    """The error a sign ends in when it comes once more than `retries` times. `retry_after` is for the caller."""

    failure: type[LookupFailed]
    detail: str
    retry_after: int | None = None
    retries: int = 0
    pause: Pause = Pause.NONE


_CHANGED: Final = Rule(NotUnderstood, "SUNAT respondió con una página que este servicio no reconoce.")

RULES: Final[Mapping[Sign, Rule]] = {
    Sign.NOT_REGISTERED: Rule(NotRegistered, "El RUC no está registrado en SUNAT."),
    Sign.INVALID_NUMBER: Rule(InvalidRuc, "SUNAT no acepta el número: no es un RUC válido."),
    Sign.SESSION_REFUSED: Rule(Unavailable, "SUNAT no aceptó la sesión de consulta.", 30, retries=1),
    Sign.FORM: Rule(Unavailable, "SUNAT dio por vencida la sesión de consulta.", 30, retries=1),
    Sign.SERVER_FAULT: Rule(
        Unavailable, "SUNAT informa de un problema en su servicio.", 30, retries=2, pause=Pause.BACK_OFF
    ),
    Sign.REJECTED: Rule(Unavailable, "SUNAT rechazó la consulta (cortafuegos).", 60, retries=1, pause=Pause.FIREWALL),
    Sign.REFUSED: Rule(Unavailable, "SUNAT no permite la consulta por ahora.", 60),
    Sign.MAINTENANCE: Rule(Unavailable, "El servicio de SUNAT está en mantenimiento.", 300),
    Sign.CHALLENGE: Rule(Unavailable, "SUNAT exige una verificación del navegador.", 300),
    Sign.BLOCKED: Rule(Unavailable, "SUNAT no acepta la conexión.", 60),
    Sign.SILENT: Rule(DeadlinePassed, "SUNAT no respondió a tiempo."),
    Sign.BROWSER_GONE: Rule(Unavailable, "El navegador de consulta dejó de funcionar.", 10, retries=1),
    Sign.TRUNCATED: Rule(NotUnderstood, "SUNAT entregó una página incompleta.", retries=1, pause=Pause.BACK_OFF),
    Sign.CHANGED: _CHANGED,
    Sign.WORKERS: _CHANGED,
    Sign.REPRESENTATIVES: _CHANGED,
}
"""Every sign but the ficha itself."""

WRONG_FICHA: Final = Rule(NotUnderstood, "SUNAT respondió con los datos de otro RUC.")

HOPELESS: Final = frozenset(
    {Sign.REJECTED, Sign.REFUSED, Sign.MAINTENANCE, Sign.CHALLENGE, Sign.BLOCKED, Sign.SILENT, Sign.BROWSER_GONE}
)
"""Signs after which a sub-page is not asked for again: it would fail as well, or make things worse."""

BLOCKED: Final = frozenset({Sign.BLOCKED, Sign.SILENT})
"""Signs that the breaker counts."""
