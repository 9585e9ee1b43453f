"""`massgen viewer --web` in a real browser, with the Python of `make clients`, where textual-serve is installed."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.interactive.teams import FINAL
from tests.needs import CLIENTS, ROOT, needs
from tests.tui.browser import PATIENCE, Browser
from tests.tui.scene import finished

LISTEN = """
(() => {
  const Plain = WebSocket;
  window.heard = "";
  window.WebSocket = function (...words) {
    const socket = new Plain(...words);
    socket.addEventListener("message", async event => {
      window.heard += await new Response(event.data).text();
    });
    window.socket = socket;
    return socket;
  };
})();
"""


def wait_for_port(port: int) -> None:
    """The address is said before it is listened on."""
    end = time.monotonic() + PATIENCE
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=PATIENCE).close()
            return
        except ConnectionRefusedError:
            assert time.monotonic() < end
            time.sleep(0.02)


@contextmanager
def served(log: Path, directory: Path) -> Iterator[str]:
    """The address of the viewer of `log`."""
    command = [str(CLIENTS / "bin" / "python"), "-m", "massgen", "viewer", str(log), "--web", "--port", "0"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1", "COLUMNS": "400"}
    with subprocess.Popen(
        command, cwd=directory, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        assert process.stdout is not None
        said = ""
        try:
            for line in process.stdout:
                said += line
                if found := re.search(r"http://127\.0\.0\.1:\d+", line):
                    wait_for_port(int(found[0].rpartition(":")[2]))
                    yield found[0]
                    return
            raise AssertionError(said)
        finally:
            process.terminate()


@needs("clients", "chromium")
@pytest.mark.slow
@pytest.mark.spec("TUI-066", "TUI-060")
def test_a_browser_shows_the_run_and_its_keys_reach_the_viewer(tmp_path: Path):
    log = finished(tmp_path)
    with served(log, tmp_path) as address, Browser(tmp_path / "profile") as browser:
        browser.call("Page.enable")
        browser.call("Page.addScriptToEvaluateOnNewDocument", source=LISTEN)
        browser.call("Page.navigate", url=address)
        browser.until(f"window.heard && window.heard.includes({FINAL!r})")
        empty = len(browser.picture())
        browser.ask("window.socket.send(JSON.stringify(['stdin', 'r'])), true")
        browser.until("window.heard.includes('COORDINATION TABLE')")
        assert len(browser.picture()) > 5000 and empty > 5000


@needs("clients")
@pytest.mark.spec("TUI-066")
@pytest.mark.parametrize(
    "headers", [{"Origin": "http://evil.example"}, {"Host": "evil.example"}, {"Origin": "http://localhost:1"}]
)
def test_pages_from_elsewhere_get_nothing(tmp_path: Path, headers: dict[str, str]):
    log = finished(tmp_path)
    with served(log, tmp_path) as address:
        assert urllib.request.urlopen(address, timeout=PATIENCE).status == 200
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(urllib.request.Request(address, headers=headers), timeout=PATIENCE)
        assert refused.value.code == 403
        refused.value.close()
