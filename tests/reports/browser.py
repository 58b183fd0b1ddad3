"""A headless Chromium through chromedriver's own protocol: pages, pictures, console and network."""

from __future__ import annotations

import base64
import json
import shutil
import socket
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-dev-shm-usage",
    "--hide-scrollbars",
)
CHROMEDRIVER = shutil.which("chromedriver")
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


class Browser:
    """One session. `width` is the width of the layout, also below the 500 px that a window cannot go under."""

    def __init__(self, port: int) -> None:
        self._root = f"http://127.0.0.1:{port}"
        options = {"args": list(FLAGS), "binary": CHROMIUM}
        wanted = {"goog:chromeOptions": options, "goog:loggingPrefs": {"browser": "ALL", "performance": "ALL"}}
        session = self._call("POST", "/session", {"capabilities": {"alwaysMatch": wanted}})
        self._session = f"/session/{session['sessionId']}"

    def open(self, page: Path, *, width: int, dark: bool = False) -> None:
        """Opens a file at a layout width."""
        self.go(page.resolve().as_uri(), width=width, dark=dark)

    def go(self, address: str, *, width: int, dark: bool = False) -> None:
        """Opens an address at a layout width."""
        metrics = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": False}
        self._devtools("Emulation.setDeviceMetricsOverride", metrics)
        scheme = [{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}]
        self._devtools("Emulation.setEmulatedMedia", {"features": scheme})
        self._call("POST", f"{self._session}/url", {"url": address})

    def wait_for_text(self, text: str, seconds: float = 30) -> None:
        """Waits until the page shows a text.

        Raises:
            TimeoutError: It does not within the time.
        """
        deadline = time.monotonic() + seconds
        while text not in str(self.run("return document.body.innerText")):
            if time.monotonic() > deadline:
                raise TimeoutError(f"the page does not show {text!r}")
            time.sleep(0.2)

    def run(self, script: str) -> Any:
        """Runs a function body in the page and returns what it returns."""
        return self._call("POST", f"{self._session}/execute/sync", {"script": script, "args": []})

    @contextmanager
    def printing(self) -> Iterator[None]:
        """Lays the page out as on paper."""
        self._devtools("Emulation.setEmulatedMedia", {"media": "print"})
        try:
            yield
        finally:
            self._devtools("Emulation.setEmulatedMedia", {"media": ""})

    def picture(self, path: Path) -> Path:
        """Saves the whole page as PNG."""
        shot = self._devtools("Page.captureScreenshot", {"captureBeyondViewport": True, "format": "png"})
        path.write_bytes(base64.b64decode(shot["data"]))
        return path

    def console(self) -> list[str]:
        """Warnings and errors since the last call."""
        return [entry["message"] for entry in self._log("browser") if entry["level"] in ("WARNING", "SEVERE")]

    def requests(self) -> list[str]:
        """Addresses asked for since the last call."""
        events = (json.loads(entry["message"])["message"] for entry in self._log("performance"))
        return [e["params"]["request"]["url"] for e in events if e["method"] == "Network.requestWillBeSent"]

    def close(self) -> None:
        self._call("DELETE", self._session)

    def _log(self, kind: str) -> list[dict[str, Any]]:
        return self._call("POST", f"{self._session}/se/log", {"type": kind})

    def _devtools(self, command: str, parameters: dict[str, Any]) -> Any:
        body = {"cmd": command, "params": parameters}
        return self._call("POST", f"{self._session}/goog/cdp/execute", body)

    def _call(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        data = json.dumps(body).encode() if body is not None else None
        headers = {"Content-Type": "application/json"}
        request = urllib.request.Request(self._root + path, data=data, method=method, headers=headers)
        with urllib.request.urlopen(request, timeout=120) as answer:
            return json.load(answer)["value"]


@contextmanager
def browser() -> Iterator[Browser]:
    """Starts chromedriver on a free port, and ends it with its browser."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    assert CHROMEDRIVER is not None
    driver = subprocess.Popen([CHROMEDRIVER, f"--port={port}"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        _wait(port)
        session = Browser(port)
        try:
            yield session
        finally:
            session.close()
    finally:
        driver.terminate()
        driver.wait(timeout=30)


def _wait(port: int) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    raise TimeoutError("chromedriver did not start")


def assert_opens_quietly(chromium: Browser, page: Path, *, width: int, dark: bool) -> None:
    """Opens a page: nothing in the console, nothing asked of a network, no wider than the window, and not blank."""
    chromium.open(page, width=width, dark=dark)
    assert chromium.console() == []
    assert chromium.requests() == [page.resolve().as_uri()]
    assert chromium.run("return document.documentElement.scrollWidth") <= width
    assert chromium.picture(page.parent / f"{width}{'-dark' if dark else ''}.png").stat().st_size > 20_000
