"""A real Chromium without a window, told what to do through its DevTools."""

from __future__ import annotations

import base64
import itertools
import json
import subprocess
import time
import urllib.request
from contextlib import ExitStack
from pathlib import Path
from typing import Any

PATIENCE = 120.0
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--remote-debugging-port=0",
    "--window-size=1200,760",
)


class Browser:
    """One page of a browser whose profile lies in `directory`."""

    def __init__(self, directory: Path) -> None:
        from websockets.sync.client import connect

        self._process = subprocess.Popen(
            ["chromium", *FLAGS, f"--user-data-dir={directory}", "about:blank"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            address = self._page(self._port(directory / "DevToolsActivePort"))
            self._rest = ExitStack()
            self._link = self._rest.enter_context(connect(address, max_size=None, proxy=None))
        except BaseException:
            self._process.kill()
            self._process.wait()
            raise
        self._numbers = itertools.count(1)

    def _port(self, file: Path) -> str:
        end = time.monotonic() + PATIENCE
        while not file.is_file() or "\n" not in file.read_text():
            assert time.monotonic() < end and self._process.poll() is None, "the browser does not start"
            time.sleep(0.05)
        return file.read_text().splitlines()[0]

    def _page(self, port: str) -> str:
        """The address of the page, which is made after the port is said."""
        end = time.monotonic() + PATIENCE
        while True:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/json/list", timeout=PATIENCE) as response:
                pages = [one for one in json.load(response) if one["type"] == "page"]
            if pages:
                return pages[0]["webSocketDebuggerUrl"]
            assert time.monotonic() < end and self._process.poll() is None, "the browser has no page"
            time.sleep(0.05)

    def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        """The result of one DevTools command."""
        number = next(self._numbers)
        self._link.send(json.dumps({"id": number, "method": method, "params": parameters}))
        while True:
            answer = json.loads(self._link.recv(timeout=PATIENCE))
            if answer.get("id") == number:
                assert "error" not in answer, answer
                return answer["result"]

    def ask(self, expression: str) -> Any:
        """The value of a JavaScript expression; a promise is waited for."""
        result = self.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        return result["result"].get("value")

    def until(self, expression: str) -> None:
        end = time.monotonic() + PATIENCE
        while not self.ask(expression):
            assert time.monotonic() < end, f"{expression} does not come true"
            time.sleep(0.05)

    def picture(self) -> bytes:
        """A PNG of the page."""
        return base64.b64decode(self.call("Page.captureScreenshot")["data"])

    def __enter__(self) -> Browser:
        return self

    def __exit__(self, *_: object) -> None:
        self._rest.close()
        self._process.terminate()
        self._process.wait(timeout=PATIENCE)
