# SPDX-License-Identifier: AGPL-3.0-or-later
"""A real browser: headless Chromium, driven by the W3C WebDriver protocol (https://www.w3.org/TR/webdriver2/) through chromedriver."""

from __future__ import annotations

import base64
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from peers.required import peer_missing
from redis_servers import free_port

ELEMENT = "element-6066-11e4-a52e-4f735466cecf"
"""The key under which the protocol names an element (section 12.1)."""

LIMIT_SECONDS = 30.0


class NotThere(Exception):
    """What was looked for is not on the page."""


@dataclass(frozen=True)
class Browser:
    """One window. Elements are found by what a person could find them by, or by their data-test."""

    session: httpx.Client
    path: str

    def open(self, url: str) -> None:
        """Go to a page."""
        self._say("POST", "/url", {"url": url})

    def find(self, css: str) -> str:
        """The first element that is shown and that a CSS selector finds. Errors: `NotThere`."""
        for found in self._say("POST", "/elements", {"using": "css selector", "value": css}):
            element = str(found[ELEMENT])
            if self._say("GET", f"/element/{element}/displayed"):
                return element
        raise NotThere(css)

    def shows(self, css: str) -> bool:
        """Whether there is such an element on the page."""
        try:
            self.find(css)
        except (NotThere, httpx.HTTPStatusError):
            return False
        return True

    def touch(self, test: str) -> None:
        """Touch what has this data-test, once it is there and can be touched: the page may be drawing it anew."""

        def touched() -> bool:
            element = self.find(f'[data-test="{test}"]')
            self.run("arguments[0].scrollIntoView({block: 'center'})", {ELEMENT: element})  # as a person would, away from what lies over it
            return self._say("POST", f"/element/{element}/click", {}) is None

        self.wait(touched)

    def type(self, css: str, keys: str) -> None:
        """Type into a field, or choose files for one, once it is there."""

        def typed() -> bool:
            element = self._say("POST", "/element", {"using": "css selector", "value": css})[ELEMENT]
            return self._say("POST", f"/element/{element}/value", {"text": keys}) is None

        self.wait(typed)

    def choose(self, css: str, words: str) -> None:
        """Choose what is called so from a list that opens where it is touched."""

        def opened() -> bool:
            return self._say("POST", f"/element/{self.find(css)}/click", {}) is None

        def chosen() -> bool:
            items = "[...document.querySelectorAll('.q-menu .q-item')]"
            script = f"const e = {items}.find(e => e.innerText.trim() == arguments[0]); e?.click(); return !!e"
            return bool(self.run(script, words))

        self.wait(opened)
        self.wait(chosen)

    def text(self, css: str = "body") -> str:
        """What stands there to be read; empty where there is no such element."""
        try:
            return str(self._say("GET", f"/element/{self.find(css)}/text"))
        except (NotThere, httpx.HTTPStatusError):
            return ""

    def run(self, script: str, *arguments: object) -> Any:
        """Run JavaScript in the page."""
        return self._say("POST", "/execute/sync", {"script": script, "args": list(arguments)})

    def wait(self, condition: Callable[[], object], seconds: float = LIMIT_SECONDS) -> None:
        """Return once `condition()` is true. Errors: `TimeoutError`, with what the page shows."""
        until = time.monotonic() + seconds
        while True:
            try:
                if condition():
                    return
            except (NotThere, httpx.HTTPStatusError):
                pass
            if time.monotonic() > until:
                raise TimeoutError(f"it did not come to pass; the page shows:\n{self.text()}")
            time.sleep(0.05)

    def size(self, width: int, height: int) -> None:
        """How large the page is, as on a tablet or a phone. (A headless window has no frame.)"""
        self._say("POST", "/window/rect", {"width": width, "height": height})

    def picture(self, file: Path) -> None:
        """What it looks like, PNG."""
        file.write_bytes(base64.b64decode(self._say("GET", "/screenshot")))

    def _say(self, method: str, path: str, told: dict[str, Any] | None = None) -> Any:
        answer = self.session.request(method, self.path + path, json=told)
        answer.raise_for_status()
        return answer.json()["value"]


@pytest.fixture(scope="session")
def chromedriver(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a chromedriver."""
    program = shutil.which("chromedriver")
    if program is None or shutil.which("chromium") is None:
        peer_missing("Chromium is not on the PATH (Debian: apt install chromium chromium-driver)")
    port = free_port()
    with (tmp_path_factory.mktemp("browser") / "chromedriver.log").open("wb") as log:
        process = subprocess.Popen([program, f"--port={port}", "--allowed-ips=127.0.0.1"], stdout=log, stderr=log)
    address = f"http://127.0.0.1:{port}"
    until = time.monotonic() + LIMIT_SECONDS
    while True:
        try:
            if httpx.get(f"{address}/status").json()["value"]["ready"]:
                break
        except httpx.TransportError:
            if time.monotonic() > until:
                raise
        time.sleep(0.05)
    yield address
    process.terminate()
    process.wait(10)


@pytest.fixture
def browser(chromedriver: str, tmp_path: Path) -> Iterator[Browser]:
    """A window of the size of a tablet, in a browser that knows nothing from before."""
    arguments = [
        "--headless=new",
        "--no-sandbox",
        "--disable-dev-shm-usage",
        "--hide-scrollbars",
        f"--user-data-dir={tmp_path / 'browser'}",
    ]
    options = {"binary": shutil.which("chromium"), "args": arguments}
    wanted = {"capabilities": {"alwaysMatch": {"browserName": "chrome", "goog:chromeOptions": options}}}
    with httpx.Client(base_url=chromedriver, timeout=60) as session:
        made = session.post("/session", json=wanted)
        made.raise_for_status()
        window = Browser(session, f"/session/{made.json()['value']['sessionId']}")
        window.size(1024, 768)
        yield window
        session.delete(window.path)
