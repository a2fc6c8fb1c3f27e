"""What a request asks for, read from its form fields. Must not know who asks or what will be answered."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import parse_qsl

ACTIONS: Final = {
    "consPorRuc": "ficha",
    "consPorTipdoc": "list",
    "consPorRazonSoc": "list",
    "getCantTrab": "workers",
    "getRepLeg": "representatives",
    "getLocAnex": "annexes",
    "getinfHis": "history",
    "getInfoDC": "debts",
    "getInfoOT": "omissions",
    "getActPro": "acts",
    "getActCPF": "invoices",
    "getReactivaPeru": "reactiva",
    "getPGarantiaCOVID19": "covid",
}
TOKEN: Final = re.compile(r"[0-9a-z]{52}", re.IGNORECASE)
LONGEST_NUMBER: Final = 20
MOST_FIELDS: Final = 100


@dataclass(frozen=True, slots=True)
class Asked:
    """One request for a page: the step in the names that switches use, the RUC (or empty), the form's fields."""

    step: str
    ruc: str
    fields: Mapping[str, str]

    @property
    def complete(self) -> bool:
        """Whether the fields are there without which the service does not answer."""
        return self.fields.get("contexto", "") != ""

    @property
    def modern(self) -> bool:
        """Whether the present layout is wanted."""
        return self.fields.get("modo") == "1"

    @property
    def needs_token(self) -> bool:
        """Searches need one; sub-pages and the way back to a ficha do not."""
        return self.step in {"ficha", "list"}

    @property
    def token(self) -> str:
        """The token as it came."""
        return self.fields.get("token", "")

    @property
    def token_is_plausible(self) -> bool:
        """Whether the token looks like the 52 base-36 digits of the page's own script."""
        return TOKEN.fullmatch(self.token) is not None


FORM: Final = Asked("form", "", {})


def parse_form(body: bytes) -> dict[str, str]:
    """The fields of a posted form. Browsers encode it as the page was: UTF-8, else Latin-1; junk is no field."""
    text = body.decode("ascii", "replace")
    for encoding in ("utf-8", "latin-1"):
        try:
            pairs = parse_qsl(
                text, keep_blank_values=True, encoding=encoding, errors="strict", max_num_fields=MOST_FIELDS
            )
        except UnicodeDecodeError:
            continue
        except ValueError:
            break
        return dict(pairs)
    return {}


def read(fields: Mapping[str, str]) -> Asked:
    """A POST to the service; an action that it does not have is the step "other"."""
    step = ACTIONS.get(fields.get("accion", ""), "other")
    if step == "ficha" and fields.get("actReturn") == "1":
        step = "volver"
    return Asked(step, fields.get("nroRuc", "").strip()[:LONGEST_NUMBER], fields)
