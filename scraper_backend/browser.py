"""One Chromium, driven synchronously: the only module that knows selenium. Must not be used by two threads at once.

Nothing here raises for what the site does; WebDriver's exceptions become values of `pages`.
"""

import base64
import json
import re
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from selenium import webdriver
from selenium.common.exceptions import (
    NoSuchElementException,
    TimeoutException,
    UnexpectedAlertPresentException,
    WebDriverException,
)
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.remote_connection import RemoteConnection
from urllib3.exceptions import HTTPError

from scraper_backend import processes
from scraper_backend.engine import FORM_PATH, SERVICE_PATH
from scraper_backend.errors import InvalidSetting
from scraper_backend.pages import Alert, Cut, Fields, Gone, Page, Seen, Silence, Unusable
from scraper_backend.settings import Settings
from scraper_backend.text import decode, mend

POLL: Final = 0.1
"""Seconds between two looks at whether the next document is there."""
MOST_ASKED: Final = 20
"""How often a page that says nothing is asked where it is."""

SWITCHES: Final = (
    "--headless=new",
    "--no-sandbox",  # Chromium's own sandbox needs rights that root in a container lacks
    "--disable-dev-shm-usage",  # /dev/shm is 64 MB in a container
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--no-default-browser-check",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-extensions",
    "--disable-breakpad",
    "--disable-auto-reload",  # of its error pages: a visitor who is blocked must not insist
    "--disable-blink-features=AutomationControlled",
    "--blink-settings=imagesEnabled=false",
    "--lang=es-PE",
)
USER_AGENT: Final = (
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/{major}.0.0.0 Safari/537.36"
)
_NAMES: Final = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome")
_VERSION: Final = re.compile(r"(\d+)\.\d+\.\d+")
_NET_ERROR: Final = re.compile(r"ERR_[A-Z_]+")
_SLACK: Final = 10.0
"""Seconds that the driver may take over what the page may, before it counts as dead."""

_STATE: Final = """return [performance.timeOrigin, document.readyState, location.href,
    (performance.getEntriesByType('navigation')[0] || {}).responseStatus || 0]"""
_POST: Final = """const form = document.createElement('form');
    form.method = 'post'; form.action = arguments[0]; form.acceptCharset = 'utf-8';
    for (const [name, value] of arguments[1]) {
        const input = document.createElement('input');
        input.type = 'hidden'; input.name = name; input.value = value; form.appendChild(input);
    }
    (document.body || document.documentElement || document).appendChild(form);
    HTMLFormElement.prototype.submit.call(form)"""


@dataclass(frozen=True, slots=True)
class Chromium:
    """Where the browser and its driver are, and what the browser is to call itself."""

    binary: str
    driver: str
    user_agent: str


def find_chromium(settings: Settings) -> Chromium:
    """Find the browser and its driver on this machine. Raises InvalidSetting saying what to install."""
    binary = _executable("SCRAPER_CHROMIUM", settings.chromium, _NAMES, "chromium")
    driver = _executable("SCRAPER_CHROMEDRIVER", settings.chromedriver, ("chromedriver",), "chromium-driver")
    if settings.user_agent:
        return Chromium(binary, driver, settings.user_agent)
    try:
        said = subprocess.run([binary, "--version"], capture_output=True, text=True, timeout=20, check=True).stdout  # noqa: S603  found above
    except (OSError, subprocess.SubprocessError):
        said = ""
    version = _VERSION.search(said)
    if version is None:
        raise InvalidSetting(f"{binary} does not tell its version: reinstall chromium, or set SCRAPER_ENGINE=http")
    return Chromium(binary, driver, USER_AGENT.format(major=version[1]))


def _executable(variable: str, given: str, names: tuple[str, ...], package: str) -> str:
    found = next(filter(None, map(shutil.which, (given,) if given else names)), None)
    if found is None and given:
        raise InvalidSetting(f"{variable}={given!r}: must be an executable file")
    if found is None:
        raise InvalidSetting(
            f"SCRAPER_ENGINE='selenium': {names[0]} not found: "
            f"install the package {package}, or set SCRAPER_ENGINE=http"
        )
    return found


class Browser:
    """A running Chromium with one tab and a profile of its own."""

    def __init__(self, chromium: Chromium, settings: Settings) -> None:
        """Start it. Raises WebDriverException or OSError when it cannot be; leaves nothing behind then."""
        self._site = settings.site
        self._step_timeout = settings.step_timeout
        self._profile = tempfile.mkdtemp(prefix="tambo-chromium-")
        self._service = Service(chromium.driver, popen_kw={"start_new_session": True})
        try:
            self._driver = webdriver.Chrome(_options(chromium, self._profile), self._service)
            if isinstance(self._driver.command_executor, RemoteConnection):
                self._driver.command_executor.client_config.timeout = settings.step_timeout + _SLACK
            self._driver.set_page_load_timeout(settings.step_timeout)
            self._driver.execute_cdp_cmd("Network.enable", {})  # keeps the bodies, for `_sent`
        except BaseException:
            self.kill()
            raise

    def reset(self) -> bool:
        """Forget the last visitor: cookies, page. Returns whether the browser is fit for another."""
        try:
            self._driver.execute_cdp_cmd("Network.clearBrowserCookies", {})
            self._driver.get("about:blank")
        except (WebDriverException, HTTPError, OSError):
            return False
        return True

    def open_form(self) -> Seen:
        """Navigate to the search form; return what came."""
        return self._observed(self._open_form)

    def _open_form(self) -> Seen:
        self._driver.get(self._site + FORM_PATH)
        return self._page(self._state())

    def submit(self, ruc: str) -> Seen:
        """Fill in the form that is shown and press its button, as a visitor would; return what came."""
        return self._observed(lambda: self._leaving(lambda: self._fill_in(ruc)))

    def _fill_in(self, ruc: str) -> None:
        field = self._driver.find_element(By.ID, "txtRuc")
        field.clear()
        field.send_keys(ruc)
        self._driver.find_element(By.ID, "btnAceptar").click()

    def post(self, fields: Fields) -> Seen:
        """Post a form from the page that is shown; return what came."""
        return self._observed(
            lambda: self._leaving(lambda: self._driver.execute_script(_POST, SERVICE_PATH, [list(f) for f in fields]))
        )

    def _leaving(self, act: Callable[[], object]) -> Seen:
        """Act, then wait until another document than the present one is there and parsed."""
        before = self._state()[0]
        self._has_failed()  # forget what was noted of the page before
        act()
        until = time.monotonic() + self._step_timeout
        while time.monotonic() < until:
            state = self._state()
            if state[0] != before and state[1] != "loading":
                return self._page(state)
            if self._has_failed():
                return Page("", state[3] or None)
            time.sleep(POLL)
        return Silence(self._step_timeout)

    def _has_failed(self) -> bool:
        """Whether a document broke off since the last call: the page itself does not notice, and stays "loading"."""
        entries = self._driver.get_log("performance")  # type: ignore[no-untyped-call]  # selenium leaves it untyped
        noted = [json.loads(entry["message"])["message"] for entry in entries]
        return any(each["method"] == "Network.loadingFailed" and each["params"]["type"] == "Document" for each in noted)

    def _state(self) -> tuple[float, str, str, int]:
        for _ in range(MOST_ASKED):
            state = self._driver.execute_script(_STATE)
            if state is not None:
                origin, ready, href, status = state
                return float(origin), str(ready), str(href), int(status)
            time.sleep(POLL)  # an alert that opened meanwhile took the answer's place: the next command will say so
        raise WebDriverException("the page does not say where it is")

    def _page(self, state: tuple[float, str, str, int]) -> Seen:
        if state[2].startswith("chrome-error:"):
            return _net_error(self._driver.page_source)
        return Page(self._sent() or mend(self._driver.page_source), state[3] or None)

    def _sent(self) -> str | None:
        """Return the document as it was sent: not repaired, nor spoilt by a wrong guess at its encoding."""
        try:
            frame = self._cdp("Page.getFrameTree")["frameTree"]["frame"]
            body = self._cdp("Network.getResponseBody", requestId=frame["loaderId"])
        except WebDriverException:
            return None
        return decode(base64.b64decode(body["body"]), None) if body["base64Encoded"] else mend(body["body"])

    def _cdp(self, command: str, **arguments: str) -> Any:
        return self._driver.execute_cdp_cmd(command, arguments)

    def _observed(self, act: Callable[[], Seen]) -> Seen:
        """Act, and turn what WebDriver raises into what was seen."""
        try:
            return act()
        except UnexpectedAlertPresentException as error:
            return Alert(error.alert_text or "")
        except TimeoutException:
            return Silence(self._step_timeout)
        except NoSuchElementException as error:
            return Unusable(_first_line(error))
        except WebDriverException as error:
            return _net_error(error.msg or "") if "net::ERR_" in (error.msg or "") else Gone(_first_line(error))
        except (HTTPError, OSError) as error:
            return Gone(type(error).__name__)

    def release(self) -> None:
        """Kill Chromium but not its driver, from any thread: a command under way then fails at once."""
        if (driver := self._driver_process()) is not None:
            processes.kill_session(driver.pid, spare_leader=True)

    def quit(self) -> None:
        """End it in good order."""
        try:
            self._driver.quit()
        except (WebDriverException, HTTPError, OSError):
            pass
        finally:
            self.kill()

    def kill(self) -> None:
        """End whatever is left of it, from any thread, and remove its profile."""
        if (driver := self._driver_process()) is not None:
            processes.kill_session(driver.pid, spare_leader=False)
            driver.wait()
        shutil.rmtree(self._profile, ignore_errors=True)

    def _driver_process(self) -> subprocess.Popen[bytes] | None:
        return getattr(self._service, "process", None)  # not there before the driver was started


def _options(chromium: Chromium, profile: str) -> webdriver.ChromeOptions:
    options = webdriver.ChromeOptions()
    options.binary_location = chromium.binary
    options.page_load_strategy = "eager"
    for switch in (
        *SWITCHES,
        f"--user-agent={chromium.user_agent}",
        f"--user-data-dir={profile}",
        f"--crash-dumps-dir={profile}",
    ):
        options.add_argument(switch)
    options.add_experimental_option("excludeSwitches", ["enable-automation", "enable-logging"])
    options.set_capability("goog:loggingPrefs", {"performance": "ALL"})  # for `_has_failed`
    options.add_experimental_option("prefs", {"intl.accept_languages": "es-PE,es"})
    return options


def _net_error(text: str) -> Seen:
    code = _NET_ERROR.search(text)
    return Cut(code.group() if code else "no document")


def _first_line(error: WebDriverException) -> str:
    return (error.msg or type(error).__name__).splitlines()[0][:200]
