"""`massgen viewer --web`: the viewer in a browser of this machine, through textual-serve (TUI-066)."""

from __future__ import annotations

import os
import socket
from importlib import import_module
from importlib.util import find_spec
from typing import Any

from massgen.errors import MissingExtra

HOST = "127.0.0.1"
DRIVER = "TEXTUAL_DRIVER"


def is_served() -> bool:
    """Whether this process is the viewer behind a browser tab: it has pipes instead of a terminal."""
    return DRIVER in os.environ


def check_installed() -> None:
    if find_spec("textual_serve") is None:
        raise MissingExtra("massgen viewer --web", "serve")


def serve(command: str, port: int) -> None:
    """One process of `command` for each tab, until Ctrl+C. Only pages from here may open one: any page of the browser
    could otherwise read the run through its WebSocket. Port 0 is any free one."""
    port = port or _free_port()
    base: Any = import_module("textual_serve.server").Server
    web = import_module("aiohttp.web")
    hosts = {f"{HOST}:{port}", f"localhost:{port}"}

    @web.middleware
    async def from_here(request: Any, handler: Any) -> Any:
        origin = request.headers.get("Origin")
        if request.headers.get("Host") not in hosts or (origin and origin.removeprefix("http://") not in hosts):
            raise web.HTTPForbidden(text="This viewer is for pages of its own.")
        return await handler(request)

    class LocalServer(base):
        async def _make_app(self) -> Any:
            app = await super()._make_app()
            app.middlewares.append(from_here)
            return app

    LocalServer(command, host=HOST, port=port, title="MassGen").serve()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return probe.getsockname()[1]
