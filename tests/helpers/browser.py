"""A browser without a window, and somebody who reads a page in it, from disk.

Needs chromium and chromedriver on the path (Debian: chromium, chromium-driver), as continuous integration has them.
"""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

CHROMIUM, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")
needs_browser = pytest.mark.skipif(not (CHROMIUM and DRIVER), reason="needs chromium and chromedriver on the path")


@contextmanager
def open_browser(profile: Path) -> Iterator[Any]:
    """A browser whose downloads and profile are in this folder."""
    from selenium import webdriver

    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM or ""
    quiet = "background-networking component-update sync quic gpu".split()
    flags = ["headless", "no-sandbox", "no-first-run", "disable-dev-shm-usage", *(f"disable-{name}" for name in quiet)]
    for flag in (*flags, f"user-data-dir={profile / 'profile'}"):
        options.add_argument(f"--{flag}")
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    browser = webdriver.Chrome(options, webdriver.ChromeService(DRIVER))
    browser.execute_cdp_cmd("Browser.setDownloadBehavior", {"behavior": "allow", "downloadPath": str(profile)})
    try:
        yield browser
    finally:
        browser.quit()


class PageReader:
    """What a reader does with any page, and what they see."""

    def __init__(self, driver: Any, path: Path, fragment: str = "", width: int = 1280) -> None:
        self.driver = driver
        metrics = {"width": width, "height": 800, "deviceScaleFactor": 1, "mobile": width < 500}
        driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
        driver.get("about:blank")
        for kind in ("browser", "performance"):
            driver.get_log(kind)
        driver.get(f"{path.as_uri()}{fragment}")

    def js(self, code: str) -> Any:
        return self.driver.execute_script(code)

    def set(self, name: str, value: str, event: str = "change") -> None:
        self.js(
            f"const e = document.getElementById({json.dumps(name)}); e.value = {json.dumps(value)};"
            f"e.dispatchEvent(new Event({json.dumps(event)}))"
        )

    def press(self, *keys: str) -> None:
        from selenium.webdriver import ActionChains

        ActionChains(self.driver).send_keys(*keys).perform()

    def wait(self, condition: Callable[[], bool], seconds: float = 10) -> None:
        end = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < end, "waited in vain"
            time.sleep(0.03)

    def check_quiet(self) -> None:
        """No message in the console, and no request but for the page itself."""
        assert self.driver.get_log("browser") == []
        events = [json.loads(entry["message"])["message"] for entry in self.driver.get_log("performance")]
        urls = [e["params"]["request"]["url"] for e in events if e["method"] == "Network.requestWillBeSent"]
        assert all(url.startswith(("file:///", "about:")) for url in urls), urls
        assert len({url.split("#")[0] for url in urls}) <= 2
