"""What the site knows about one taxpayer, as frozen values in the words the pages print. Must not hold any data."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Address:
    """A tax domicile; the page pads department and province to a fixed width, the district comes last."""

    street: str
    department: str
    province: str
    district: str


@dataclass(frozen=True, slots=True)
class IdentityDocument:
    """The document row that only natural persons have: kind, number, and the name as "SURNAMES, NAMES"."""

    kind: str
    number: str
    name: str


@dataclass(frozen=True, slots=True)
class Activity:
    """One economic activity: "Principal" or "Secundaria n", the CIIU code, the description."""

    rank: str
    code: str
    description: str


@dataclass(frozen=True, slots=True)
class Representative:
    """One row of the page of legal representatives; `since` is dd/mm/yyyy."""

    document: str
    number: str
    name: str
    post: str
    since: str


@dataclass(frozen=True, slots=True)
class WorkerPeriod:
    """One month of the page of workers; the numbers are text because "NE" (nothing declared) is one of them."""

    period: str
    workers: str
    pensioners: str
    providers: str


@dataclass(frozen=True, slots=True)
class Annex:
    """One annexed establishment."""

    code: str
    kind: str
    address: str
    activity: str


@dataclass(frozen=True, slots=True)
class History:
    """What changed in the past: former names, conditions, addresses (each row as the page's cells)."""

    names: tuple[tuple[str, str], ...] = ()
    conditions: tuple[tuple[str, str, str], ...] = ()
    addresses: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Taxpayer:
    """Everything the pages print about one RUC. Dates are dd/mm/yyyy; "-" is how the site prints "none"."""

    ruc: str
    name: str
    kind: str
    enrolled: str
    started: str
    address: Address | None
    activities: tuple[Activity, ...]
    document: IdentityDocument | None = None
    trade_name: str = "-"
    new_rus: str | None = None  # "SI" or "NO": the row "Afecto al Nuevo RUS" of small businesses
    profession: str | None = None  # an extra row that some natural persons still show
    state: str = "ACTIVO"
    left_on: str | None = None  # "Fecha de Baja" below the state
    condition: str = "HABIDO"
    condition_note: bool = False  # the sentence that asks for a new domicile, below the condition
    emission: str = "COMPUTARIZADO"
    foreign_trade: str = "SIN ACTIVIDAD"
    accounting: str = "COMPUTARIZADO"
    printed_vouchers: tuple[str, ...] = ("FACTURA", "BOLETA DE VENTA")
    electronic_systems: tuple[str, ...] = ()  # empty: the page prints a bare "-" with neither paragraph nor table
    electronic_since: str = "-"
    electronic_vouchers: str = "-"
    ple_since: str = "-"
    padrones: tuple[str, ...] = ()  # empty: the page prints NINGUNO
    workers: tuple[WorkerPeriod, ...] = ()
    representatives: tuple[Representative, ...] = ()
    annexes: tuple[Annex, ...] = ()
    history: History = History()
    loan_programmes: bool = True  # the buttons "Reactiva Perú" and "COVID_19"; public bodies and persons lack them
