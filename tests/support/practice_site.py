"""The practice site in a test: a world moved by hand, and a visitor's verbs."""

from collections.abc import Awaitable, Callable

from aiohttp import web
from aiohttp.test_utils import TestClient

from scraper_backend.practice_site.world import World

Client = TestClient[web.Request, web.Application]
Clients = Callable[..., Awaitable[Client]]
SERVICE = "/cl-ti-itmrconsruc/jcrS00Alias"
TOKEN = "z9" * 26
RUC = "20999999019"


class Hands:
    """A world whose clock is moved by hand and whose sleep takes no time but is written down."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self.slept: list[float] = []
        self.world = World(clock=lambda: self.seconds, sleep=self.sleep)

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)


async def ask(site: Client, ruc: str = RUC, action: str = "consPorRuc", **fields: str) -> str:
    """Post a query as the page's script does and give the answer's text."""
    form = {"accion": action, "nroRuc": ruc, "token": TOKEN, "contexto": "ti-it", "modo": "1", **fields}
    async with site.post(SERVICE, data=form) as answer:
        assert answer.status == 200
        return (await answer.read()).decode()


async def switch(site: Client, *switches: dict[str, object]) -> None:
    """Put switches in force."""
    async with site.put("/_practice/switches", json={"switches": list(switches)}) as answer:
        assert answer.status == 200, await answer.text()


async def log(site: Client, **query: str) -> list[dict[str, object]]:
    """The entries of the log."""
    async with site.get("/_practice/requests", params=query) as answer:
        entries: list[dict[str, object]] = (await answer.json())["requests"]
        return entries
