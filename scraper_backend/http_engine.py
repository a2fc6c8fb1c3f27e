"""Visits the site over plain HTTP, without a browser, as consistently with one as that can be. Reads no page."""

import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Final

import aiohttp

from scraper_backend.admission import Pacer, Slots
from scraper_backend.engine import FORM_PATH, SERVICE_PATH, Session, query_fields
from scraper_backend.pages import Cut, Fields, Page, Seen, Sign, Silence, classify
from scraper_backend.settings import Settings
from scraper_backend.text import decode

PAGE_MOST: Final = 8 * 1024 * 1024
"""Bytes read of one page; what is longer counts as cut short."""

USER_AGENT: Final = (
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0 Safari/537.36"
)
_MAJOR: Final = re.compile(r"Chrome/([0-9]+)")


class HttpEngine:
    """Sessions that are cookie jars with a connection of their own."""

    name = "http"

    def __init__(self, settings: Settings) -> None:
        self.slots = Slots(settings.sessions, settings.queue, settings.queue_timeout)
        self._settings = settings
        self._pacer = Pacer(settings.pace)

    @asynccontextmanager
    async def session(self) -> AsyncIterator[Session]:
        """Open a session: a new connection, no cookies."""
        timeout = aiohttp.ClientTimeout(total=self._settings.step_timeout)
        cookies = aiohttp.CookieJar(unsafe=True, quote_cookie=False)  # unsafe: the site may be an IP address
        headers = _headers(self._settings)
        async with (
            self.slots.hold(),
            aiohttp.ClientSession(timeout=timeout, cookie_jar=cookies, headers=headers, trust_env=True) as client,
        ):
            yield _HttpSession(client, self._settings, self._pacer)

    async def close(self) -> None:
        """Nothing outlives a session."""


class _HttpSession:
    def __init__(self, client: aiohttp.ClientSession, settings: Settings, pacer: Pacer) -> None:
        self._client = client
        self._site = settings.site
        self._step_timeout = settings.step_timeout
        self._pacer = pacer
        self._referer = ""

    async def query(self, ruc: str) -> Seen:
        """Get the form, for its cookies, then post the query."""
        form = await self._fetch("GET", FORM_PATH, {"Sec-Fetch-Site": "none"}, None)
        if classify(form) is not Sign.FORM:
            return form
        return await self.post(query_fields(ruc))

    async def post(self, fields: Fields) -> Seen:
        """Post as the page's own form would."""
        headers = {"Sec-Fetch-Site": "same-origin", "Origin": self._site, "Referer": self._referer}
        return await self._fetch("POST", SERVICE_PATH, headers, fields)

    async def _fetch(self, method: str, path: str, headers: Mapping[str, str], fields: Fields | None) -> Seen:
        await self._pacer.turn()
        try:
            async with self._client.request(method, self._site + path, headers=headers, data=fields) as answer:
                body = await _read(answer)
        except TimeoutError:
            return Silence(self._step_timeout)
        except aiohttp.ClientError as error:
            return Cut(type(error).__name__)
        self._referer = str(answer.url)
        return Page(decode(body, answer.charset), answer.status, _retry_after(answer))


async def _read(answer: aiohttp.ClientResponse) -> bytes:
    """Read the body up to PAGE_MOST; a body that ends early counts for what came of it."""
    body = bytearray()
    try:
        async for chunk in answer.content.iter_any():
            body += chunk
            if len(body) > PAGE_MOST:
                answer.close()
                break
    except aiohttp.ClientPayloadError:
        pass
    return bytes(body[:PAGE_MOST])


def _retry_after(answer: aiohttp.ClientResponse) -> int | None:
    text = answer.headers.get("Retry-After", "")
    return min(int(text), 3600) if text.isascii() and text.isdigit() and len(text) < 10 else None  # noqa: PLR2004  digits


def _headers(settings: Settings) -> dict[str, str]:
    """Return what a browser sends when its user goes from page to page, in its order."""
    agent = settings.user_agent or USER_AGENT
    headers: dict[str, str] = {}
    major = _MAJOR.search(agent)
    if major and settings.site.startswith("https:"):  # browsers name their brand on secure connections only
        headers |= {
            "sec-ch-ua": f'"Chromium";v="{major[1]}", "Not;A=Brand";v="24", "Google Chrome";v="{major[1]}"',
            "sec-ch-ua-mobile": "?0",
            "sec-ch-ua-platform": '"Linux"',
        }
    return headers | {
        "Upgrade-Insecure-Requests": "1",
        "User-Agent": agent,
        "Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8",
        "Sec-Fetch-Mode": "navigate",
        "Sec-Fetch-User": "?1",
        "Sec-Fetch-Dest": "document",
        "Accept-Encoding": "gzip, deflate",
        "Accept-Language": "es-PE,es;q=0.9",
    }
