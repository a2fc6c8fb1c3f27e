"""A real Chromium walks the practice site: its scripts, buttons, alerts, and the pages that hurt a browser."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from selenium import webdriver
from selenium.common.exceptions import TimeoutException, WebDriverException
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support import expected_conditions as ec
from selenium.webdriver.support.ui import WebDriverWait

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
DRIVER = shutil.which("chromedriver")
pytestmark = [
    pytest.mark.e2e,
    pytest.mark.skipif(not (CHROMIUM and DRIVER), reason="needs chromium and chromedriver on the PATH"),
]
FLAGS = (
    "--headless=new --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync --disable-dev-shm-usage"
)
SUB_PAGES = (
    "btnInfHis btnInfDeuCoa btnInfOmiTri btnInfNumTra btnInfActPro btnInfActCPF btnInfReaPer btnInfCovid btnInfRepLeg "
    "btnInfLocAnex"
)
COMPANY = "20999999019"
FORM = "/cl-ti-itmrconsruc/FrameCriterioBusquedaWeb.jsp"
PATIENCE = 30
BEGUN = "return performance.timeOrigin"
NAME = (By.CSS_SELECTOR, ".list-group .col-sm-7 h4")


@pytest.fixture(scope="module")
def site() -> Iterator[str]:
    """The address of the site, running in its own process without delays."""
    environment = {**os.environ, "PORT": "0", "PRACTICE_DELAY": "0"}
    command = [sys.executable, "-m", "scraper_backend.practice_site"]
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        found = re.search(r"http://[0-9.:]+", process.stdout.readline())
        assert found is not None
        yield found[0]
        process.terminate()


@pytest.fixture
def browser(tmp_path: Path) -> Iterator[webdriver.Chrome]:
    """A fresh browser with its own profile; a page that takes 15 s is an error."""
    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM or ""
    for flag in FLAGS.split():
        options.add_argument(flag)
    options.add_argument(f"--user-data-dir={tmp_path}")
    driver = webdriver.Chrome(options=options, service=webdriver.ChromeService(DRIVER))
    driver.set_page_load_timeout(15)
    yield driver
    os.kill(driver.capabilities["goog:processID"], signal.SIGKILL)  # a busy renderer would make quit() wait for ever
    driver.quit()


@pytest.fixture
def switch(site: str) -> Iterator[None]:
    """Take back at the end what the test switched on."""
    yield
    urllib.request.urlopen(urllib.request.Request(f"{site}/_practice/switches", method="DELETE")).close()  # noqa: S310 - own site


def put(site: str, *switches: dict[str, object]) -> None:
    """Put switches in force."""
    body = json.dumps({"switches": switches}).encode()
    urllib.request.urlopen(urllib.request.Request(f"{site}/_practice/switches", body, method="PUT")).close()  # noqa: S310 - own site


def query(browser: webdriver.Chrome, site: str, ruc: str) -> None:
    """Type a number into the form and press the button."""
    browser.get(site + FORM)
    browser.find_element(By.ID, "txtRuc").send_keys(ruc)
    browser.find_element(By.ID, "btnAceptar").click()


def press(browser: webdriver.Chrome, css: str) -> str:
    """Click and wait for the next page; gives its heading."""
    follow(browser, browser.find_element(By.CSS_SELECTOR, css))
    return WebDriverWait(browser, PATIENCE).until(ec.presence_of_element_located((By.TAG_NAME, "h1"))).text


def follow(browser: webdriver.Chrome, control: WebElement) -> None:
    """Click and wait for another document. Not by an old element's staleness: the driver may stumble over that."""
    old = browser.execute_script(BEGUN)
    control.click()
    WebDriverWait(browser, PATIENCE).until(lambda it: it.execute_script(BEGUN) != old)


def name(browser: webdriver.Chrome) -> str:
    """The value of the first row, once it is there."""
    return WebDriverWait(browser, PATIENCE).until(ec.presence_of_element_located(NAME)).text


def ficha_name(browser: webdriver.Chrome, site: str, ruc: str) -> str:
    """Query and read the first row."""
    query(browser, site, ruc)
    return name(browser)


def test_every_button_leads_there_and_back(browser: webdriver.Chrome, site: str) -> None:
    query(browser, site, COMPANY)
    shown = name(browser)
    assert shown == f"{COMPANY} - ALFARERIA DE PRUEBA EL CANTARO S.A.C."
    for button in SUB_PAGES.split():
        assert press(browser, f".{button}").endswith(f" DE {shown}")
        assert press(browser, ".btnNuevaConsulta") == "Consulta RUC"
        assert name(browser) == shown
    press(browser, ".btnNuevaConsulta")
    assert browser.find_element(By.ID, "txtRuc").is_displayed()


def test_paging_through_annexes(browser: webdriver.Chrome, site: str) -> None:
    query(browser, site, "20999999060")
    name(browser)
    press(browser, ".btnInfLocAnex")
    follow(browser, browser.find_element(By.LINK_TEXT, "Siguiente"))
    assert "31 a 60 de 65" in browser.find_element(By.TAG_NAME, "body").text


def test_a_wrong_check_digit_alerts_and_posts_nothing(browser: webdriver.Chrome, site: str) -> None:
    query(browser, site, "20123456789")
    alert = WebDriverWait(browser, PATIENCE).until(ec.alert_is_present())
    assert alert is not None
    assert alert.text == "Por favor, ingrese numero de RUC valido."
    alert.accept()
    with urllib.request.urlopen(f"{site}/_practice/requests?ruc=20123456789") as log:  # noqa: S310 - own site
        assert json.load(log)["requests"] == []


def test_the_script_fills_the_fields_that_the_service_expects(browser: webdriver.Chrome, site: str) -> None:
    query(browser, site, "10999999021")
    name(browser)
    with urllib.request.urlopen(f"{site}/_practice/requests?ruc=10999999021") as log:  # noqa: S310 - own site
        fields = json.load(log)["requests"][0]["fields"]
    assert re.fullmatch(r"[0-9a-z]{52}", fields.pop("token"))
    assert (
        " ".join(fields) == "accion razSoc nroRuc nrodoc contexto modo rbtnTipo search1 tipdoc search2 search3 codigo"
    )
    assert (fields["accion"], fields["modo"], fields["search1"]) == ("consPorRuc", "1", "10999999021")


def test_a_search_by_document_lists_and_leads_on(browser: webdriver.Chrome, site: str) -> None:
    browser.get(site + FORM)
    browser.find_element(By.ID, "btnPorDocumento").click()
    assert not browser.find_element(By.ID, "txtRuc").is_displayed()
    browser.find_element(By.ID, "txtNumeroDocumento").send_keys("99999902")
    press(browser, "#btnAceptar")
    press(browser, "a.aRucs")
    assert name(browser) == "10999999021 - MUÑOZ DEMO ÍTALO ANDRÉS"


def test_latin_1_is_readable_only_when_the_header_says_so(browser: webdriver.Chrome, site: str, switch: None) -> None:
    put(site, {"switch": "encoding", "bytes": "latin-1", "header": True})
    query(browser, site, "10999999021")
    assert "MUÑOZ" in name(browser)
    assert press(browser, ".btnInfNumTra").endswith("MUÑOZ DEMO ÍTALO ANDRÉS")
    put(site, {"switch": "encoding", "bytes": "latin-1", "header": False})
    query(browser, site, "10999999021")
    assert "MU\ufffdOZ" in name(browser)


def test_a_headless_browser_is_stuck_in_the_challenge(browser: webdriver.Chrome, site: str, switch: None) -> None:
    put(site, {"switch": "challenge"})
    browser.get(site + FORM)
    assert browser.title == "Verificando su navegador"


def test_a_page_can_kill_its_renderer(browser: webdriver.Chrome, site: str, switch: None) -> None:
    put(site, {"switch": "renderer-crash", "step": "ficha"})
    with pytest.raises(WebDriverException, match="tab crashed"):
        ficha_name(browser, site, COMPANY)


def test_a_page_can_keep_its_renderer_busy(browser: webdriver.Chrome, site: str, switch: None) -> None:
    put(site, {"switch": "renderer-crash", "how": "spin", "step": "form"})
    browser.set_page_load_timeout(3)
    with pytest.raises(TimeoutException, match="Timed out receiving message from renderer"):
        browser.get(site + FORM)


def test_an_alert_meets_whoever_comes(browser: webdriver.Chrome, site: str, switch: None) -> None:
    put(site, {"switch": "alert", "text": "Hola"})
    browser.get(site + FORM)
    alert = WebDriverWait(browser, PATIENCE).until(ec.alert_is_present())
    assert alert is not None
    assert alert.text == "Hola"


def test_a_reset_is_the_browser_s_own_error(browser: webdriver.Chrome, site: str, switch: None) -> None:
    put(site, {"switch": "reset"})
    with pytest.raises(WebDriverException, match="ERR_CONNECTION_RESET"):
        browser.get(site + FORM)
