"""A real Chromium for pages of our own: one width, one colour scheme. Ends what it starts."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from selenium import webdriver
from selenium.webdriver.chrome.options import Options
from selenium.webdriver.chrome.service import Service

AXE = Path(__file__).parents[1] / "vendor" / "axe-core" / "axe.min.js"


@contextmanager
def chromium() -> Iterator[webdriver.Chrome]:
    """A browser without a window."""
    options = Options()
    options.binary_location = "/usr/bin/chromium"
    with tempfile.TemporaryDirectory() as profile:
        for flag in ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--hide-scrollbars"):
            options.add_argument(flag)
        options.add_argument(f"--user-data-dir={profile}")
        options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
        driver = webdriver.Chrome(options=options, service=Service("/usr/bin/chromedriver"))
        driver.set_script_timeout(60)
        try:
            yield driver
        finally:
            driver.quit()


def looks(driver: webdriver.Chrome, width: int, scheme: str, height: int = 900) -> None:
    """Have the page at this width in this colour scheme."""
    metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
    driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
    features = [
        {"name": "prefers-color-scheme", "value": scheme},
        {"name": "prefers-reduced-motion", "value": "reduce"},
    ]
    driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})


def violations(driver: webdriver.Chrome) -> list[str]:
    """What axe finds wrong with the page as it stands."""
    driver.execute_script(AXE.read_text(encoding="utf-8"))
    found: list[dict[str, Any]] = driver.execute_async_script(
        "const done = arguments[arguments.length - 1]; axe.run(document).then((said) => done(said.violations));"
    )
    return [f"{each['id']}: {node['html'][:200]} {node['failureSummary']}" for each in found for node in each["nodes"]]


def complaints(driver: webdriver.Chrome) -> list[str]:
    """What the browser's console says, as of a broken policy or script."""
    entries: list[dict[str, Any]] = driver.get_log("browser")  # type: ignore[no-untyped-call] # Selenium's is untyped
    return [entry["message"] for entry in entries if entry["level"] == "SEVERE"]
