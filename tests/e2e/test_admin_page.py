"""The admin page in a real Chromium: every part of it, at two widths, light and dark, and axe over all of it.

``scripts/screenshots`` sets TAMBO_IMAGES, a folder, and has the pictures left there.
"""

import asyncio
import base64
import os
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web
from selenium.common.exceptions import StaleElementReferenceException
from selenium.webdriver import Chrome
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.ui import Select, WebDriverWait

from tests.support.chromium import chromium, complaints, looks, violations
from tests.support.tambo import Tambo, running

pytestmark = pytest.mark.e2e

HOSTILE = "<img src=x onerror=\"document.title='owned'\">"
ROUTES = """
[upstream]
concurrency = { max = 4 }
breaker = { min_requests = 1000 }
[[routes]]
name = "ruc"
match = { path = "/obtener-ruc/{ruc}" }
key = { template = "ruc:{ruc}" }
ttl = "7d"
stale_while_revalidate = "7d"
stale_if_error = "30d"
archive = "1y"
"""


class Api:
    """A slow upstream: some answers fail, one is hostile."""

    def __init__(self) -> None:
        self.asked = 0

    async def answer(self, request: web.Request) -> web.Response:
        self.asked += 1
        await asyncio.sleep(0.05)
        if "fails" in request.path:
            return web.json_response({"problem": "no"}, status=500)
        body = {"ruc": request.path.rpartition("/")[2], "razonSocial": HOSTILE, "lines": [1, 2, 3]}
        return web.json_response(body, headers={"X-Hostile": HOSTILE, "ETag": '"v1"'})


@pytest.fixture
async def tambo(tmp_path: Path) -> AsyncIterator[Tambo]:
    api = Api()
    app = web.Application()
    app.router.add_route("*", "/{rest:.*}", api.answer)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    (tmp_path / "tambo.toml").write_text(ROUTES)
    async with running(tmp_path, f"http://127.0.0.1:{port}", ADMIN_TOKEN="s3cret") as made:
        async with aiohttp.ClientSession() as session:
            for number in (*range(12), *range(6), *range(3), 1, 1, 1):
                async with session.get(f"{made.url}/obtener-ruc/2099999{number:04d}") as answer:
                    await answer.read()
            for _ in range(2):
                async with session.get(f"{made.url}/obtener-ruc/fails") as answer:
                    await answer.read()
        yield made
    await runner.cleanup()


class Visit:
    """One person's visit."""

    def __init__(self, driver: Chrome, base: str, name: str) -> None:
        self.driver = driver
        self.base = base
        self.name = name

    def see(self, css: str, words: str = "") -> WebElement:
        """Wait for an element that shows these words."""

        def shown(driver: Chrome) -> WebElement | None:
            try:
                elements = driver.find_elements(By.CSS_SELECTOR, css)
                return next((element for element in elements if words in element.text), None)
            except StaleElementReferenceException:
                return None  # the page has drawn it anew meanwhile

        found = WebDriverWait(self.driver, 15, ignored_exceptions=()).until(shown, f"{css} with {words!r}")
        assert isinstance(found, WebElement)
        return found

    def press(self, css: str, words: str = "") -> None:
        element = self.see(css, words)
        self.driver.execute_script("arguments[0].scrollIntoView({block: 'center'})", element)
        element.click()

    def write(self, css: str, text: str) -> None:
        element = self.see(css)
        element.clear()
        element.send_keys(text)

    def picture(self, part: str, css: str | None = None) -> None:
        folder = os.environ.get("TAMBO_IMAGES")
        if folder is None:
            return
        self.driver.execute_script("window.scrollTo(0, 0)")
        if css is not None:
            self.driver.execute_script("arguments[0].scrollIntoView(true)", self.see(css))
        data = self.driver.execute_cdp_cmd("Page.captureScreenshot", {"format": "png"})["data"]
        Path(folder).mkdir(parents=True, exist_ok=True)
        (Path(folder) / f"admin-{part}-{self.name}.png").write_bytes(base64.b64decode(data))

    def is_sound(self) -> None:
        """Nothing that axe minds, nothing wider than the screen, and no complaint of the browser."""
        assert violations(self.driver) == []
        width = "return document.documentElement.scrollWidth - document.documentElement.clientWidth"
        assert self.driver.execute_script(width) <= 0


def sign_in(visit: Visit) -> None:
    visit.driver.get(f"{visit.base}/")
    assert violations(visit.driver) == []
    visit.picture("signin")
    visit.write("#token", "wrong")
    visit.press("button")
    visit.see(".problem", "not the value")
    visit.write("#token", "s3cret" + Keys.ENTER)
    visit.see("#live", "live")


def overview(visit: Visit) -> None:
    visit.see("#t-rate", "%")
    visit.see("#n-requests", "a second")
    visit.see("#results", "hit")
    visit.see("#routes", "ruc")
    visit.see("#tiers", "disk")
    visit.see("#t-breaker", "closed")
    visit.see("#c-requests")


def keys(visit: Visit) -> None:
    visit.see("#top", "ruc:20999990001")
    visit.press("[data-order=slow]")
    visit.see("#top", "0.0")
    visit.press("[data-order=failing]")
    visit.see("#top", "ruc:fails")
    visit.see("#top", "faulty")


def entries(visit: Visit) -> None:
    visit.see("#entries-said", "12 entries")
    Select(visit.see("#f-entries select")).select_by_value("prefix")
    visit.write("#f-entries input", "/obtener-ruc/20999990001")
    visit.press("#f-entries button")
    visit.see("#entries-said", "1 entry")
    visit.press("#rows button", "/obtener-ruc/20999990001")
    visit.see("dialog pre", "razonSocial")
    assert HOSTILE in visit.see("dialog pre", "X-Hostile").text
    visit.see("dialog .spans", "archive until")
    widths = (
        "return [...document.querySelectorAll('dialog rect[x]')].slice(1).map((each) => each.getAttribute('width'))"
    )
    drawn = [float(width) for width in visit.driver.execute_script(widths)]
    assert len(drawn) == 4
    assert min(drawn) > 100, "each window can be seen, however long the longest is"
    visit.is_sound()
    visit.picture("entry")
    visit.press("dialog button", "Fetch again")
    visit.see("#entry-said", "fetched again")
    visit.see("#entry-close").send_keys(Keys.ESCAPE)


def purge(visit: Visit) -> None:
    Select(visit.see("#f-purge select[name=kind]")).select_by_value("prefix")
    visit.write("#f-purge input", "/obtener-ruc/2")
    visit.press("#f-purge button")
    visit.see("#preview .verdict", "12 entries, about")
    visit.is_sound()
    visit.picture("purge", "#purge")
    visit.press("#confirm")
    visit.see("#preview", "Purged")
    visit.see("#history", "/obtener-ruc/2")
    visit.write("#f-purge input", "nonsense")
    visit.press("#f-purge button")
    visit.see("#preview .problem", "neither an absolute URL nor a path")


def explain(visit: Visit) -> None:
    visit.write("#f-explain [name=url]", "/obtener-ruc/20999990002" + Keys.ENTER)
    visit.see("#explained .verdict", "answer from the store")
    visit.see("#explained .ref", "RFC 9111")
    visit.is_sound()
    visit.picture("explain", "#explain")


def warm(visit: Visit) -> None:
    visit.write("#f-warm textarea", "/obtener-ruc/30000000001\n/obtener-ruc/30000000002")
    visit.press("#f-warm button")
    visit.see("#warm-said", "2 URLs")
    visit.see("#jobs", "2 of 2 URLs")


def mode(visit: Visit) -> None:
    visit.picture("overview")
    visit.press("#f-mode [value=offline]")
    visit.write("#f-mode [name=for]", "20m")
    visit.press("#f-mode button")
    visit.see("#mode-said", "Now: offline, until")
    visit.see("#mode-now", "offline")
    visit.picture("mode", "#warm")
    visit.press("#f-mode [value=normal]")
    visit.press("#f-mode button")
    visit.see("#mode-said", "Now: normal.")


def keyboard(visit: Visit) -> None:
    """The first stop of a keyboard skips the navigation; every control shows where it is."""
    visit.driver.refresh()
    visit.see("#live", "live")
    visit.driver.switch_to.active_element.send_keys(Keys.TAB)
    assert visit.driver.switch_to.active_element.text == "Skip to the content"
    seen = set()
    for _ in range(60):
        focused = visit.driver.switch_to.active_element
        seen.add(focused.get_attribute("name") or focused.get_attribute("href") or focused.text)
        focused.send_keys(Keys.TAB)
    assert {"Hot", "kind", "value", "Preview", "method", "url"} <= seen


async def keep_asking(url: str) -> None:
    """A few requests a second for what is stored, so that there is something to see."""
    async with aiohttp.ClientSession() as session:
        for number in range(3000):
            async with session.get(f"{url}/obtener-ruc/2099999{number % 7 * (number % 3) % 12:04d}") as answer:
                await answer.read()
            await asyncio.sleep(0.1)


PARTS: tuple[Callable[[Visit], None], ...] = (overview, keys, entries, purge, explain, warm, mode, keyboard)


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (1280, "dark"), (390, "light"), (390, "dark")])
async def test_every_part_of_the_page(tambo: Tambo, width: int, scheme: str) -> None:
    def walk() -> None:
        with chromium() as driver:
            looks(driver, width, scheme)
            visit = Visit(driver, tambo.admin, f"{width}-{scheme}")
            sign_in(visit)
            complaints(driver)  # of the wrong token
            for part in PARTS:
                part(visit)
            visit.is_sound()
            assert driver.title == "Tambo"
            wrong = [text for text in complaints(driver) if "400" not in text]
            assert wrong == []
            visit.press("#signout")
            visit.see("label", "ADMIN_TOKEN")

    visitors = asyncio.ensure_future(keep_asking(tambo.url))
    try:
        await asyncio.to_thread(walk)
    finally:
        visitors.cancel()


async def test_who_has_no_session_or_no_code_changes_nothing(tambo: Tambo) -> None:
    jar = aiohttp.CookieJar(unsafe=True)
    async with aiohttp.ClientSession(cookie_jar=jar) as session:
        async with session.get(f"{tambo.admin}/admin/stats") as answer:
            assert answer.status == 401
        given, foreign = {"token": "s3cret"}, {"Origin": "http://evil.example"}
        async with session.post(f"{tambo.admin}/signin", data=given, headers=foreign) as answer:
            assert answer.status == 403
        async with session.post(f"{tambo.admin}/signin", data=given, allow_redirects=False) as answer:
            assert answer.status == 303
            cookie = answer.headers["Set-Cookie"]
            assert "HttpOnly" in cookie
            assert "SameSite=Strict" in cookie
        async with session.get(f"{tambo.admin}/admin/stats") as answer:
            assert answer.status == 200
        async with session.post(f"{tambo.admin}/admin/purge", json={"all": True}) as answer:
            assert answer.status == 403
        async with session.get(f"{tambo.admin}/") as answer:
            text = await answer.text()
        code = text.partition('name="tambo-csrf" content="')[2].partition('"')[0]
        ours = {"X-Tambo-CSRF": code}
        headers = ours | foreign
        async with session.post(f"{tambo.admin}/admin/purge", json={"all": True}, headers=headers) as answer:
            assert answer.status == 403
        async with session.post(f"{tambo.admin}/admin/purge", json={"all": True}, headers=ours) as answer:
            assert answer.status == 200
