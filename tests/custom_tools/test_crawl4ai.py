"""Web scraping against a stand-in for the crawl4ai container."""

from __future__ import annotations

import asyncio
import base64
import json
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from massgen.tool._context import CallContext, set_current_call
from massgen.tool._web_tools import crawl4ai_tool as crawl


class FakeCrawl:
    """Records what it is asked; the slow page waits until five are asked for at once."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, dict[str, Any]]] = []
        self.running = 0
        self.peak = 0
        self.full = asyncio.Event()

    async def answer(self, request: Request) -> JSONResponse:
        body = json.loads(await request.body())
        self.asked.append((request.url.path, body))
        if "slow" in body["url"]:
            self.running += 1
            self.peak = max(self.peak, self.running)
            if self.running >= crawl.MAX_PARALLEL:
                self.full.set()
            await self.full.wait()
            self.running -= 1
        picture = base64.b64encode(b"\x89PNG picture").decode()
        return JSONResponse(
            {
                "markdown": f"text of {body['url']}",
                "html": "<p>page</p>",
                "screenshot": picture,
                "pdf": picture,
                "js_execution_result": {"results": [42]},
            }
        )


@asynccontextmanager
async def service(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[FakeCrawl]:
    """The stand-in on a free port; CRAWL4AI_BASE_URL names it (TOOL-091)."""
    fake = FakeCrawl()

    async def health(_: Request) -> JSONResponse:
        return JSONResponse({"status": "ok"})

    paths = ("/md", "/html", "/screenshot", "/pdf", "/execute_js")
    routes = [Route("/health", health), *(Route(path, fake.answer, methods=["POST"]) for path in paths)]
    place = socket.socket()
    place.bind(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(Starlette(routes=routes), log_level="error", lifespan="off"))
    monkeypatch.setenv("CRAWL4AI_BASE_URL", f"http://127.0.0.1:{place.getsockname()[1]}")
    async with asyncio.TaskGroup() as group:
        group.create_task(server.serve(sockets=[place]))
        while True:
            if server.started:
                break
            await asyncio.sleep(0.005)
        yield fake
        server.should_exit = True


@pytest.mark.spec("TOOL-090", "TOOL-091")
def test_each_function_asks_the_service_once_and_gives_what_it_says(monkeypatch: pytest.MonkeyPatch) -> None:
    async def run() -> None:
        async with service(monkeypatch) as fake:
            url = "https://docs.example/page"
            assert (await crawl.crawl4ai_md(url)).text == f"text of {url}"
            assert (await crawl.crawl4ai_html(url)).text == "<p>page</p>"
            assert "42" in (await crawl.crawl4ai_execute_js(url, ["1 + 1"])).text
            assert [path for path, _ in fake.asked] == ["/md", "/html", "/execute_js"]
            assert fake.asked[2][1]["scripts"] == ["1 + 1"]
            with pytest.raises(ValueError, match="http"):
                await crawl.crawl4ai_md("file:///etc/passwd")

    asyncio.run(run())


@pytest.mark.spec("TOOL-094", "TOOL-090")
def test_pictures_and_documents_are_saved_in_the_workspace(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    async def run() -> None:
        async with service(monkeypatch):
            set_current_call(CallContext(workspace=tmp_path, writable=(tmp_path,)))
            shot = await crawl.crawl4ai_screenshot("https://docs.example/page", "shots/page.png")
            assert "shots/page.png" in shot.text
            await crawl.crawl4ai_pdf("https://docs.example/page")
            with pytest.raises(PermissionError):
                await crawl.crawl4ai_pdf("https://docs.example/page", "../outside.pdf")

    asyncio.run(run())
    assert (tmp_path / "shots/page.png").read_bytes() == b"\x89PNG picture"
    assert (tmp_path / "docs_example_page.pdf").exists()


@pytest.mark.spec("TOOL-093", "TOOL-090")
def test_at_most_five_pages_are_fetched_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    async def run() -> None:
        async with service(monkeypatch) as fake:
            urls = [f"https://slow.example/{number}" for number in range(8)]
            text = (await crawl.crawl4ai_crawl(urls)).text
            assert fake.peak == 5
            assert all(f"text of {url}" in text for url in urls)

    asyncio.run(run())


@pytest.mark.spec("TOOL-092")
def test_without_the_container_the_commands_that_start_it_are_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CRAWL4AI_BASE_URL", "http://127.0.0.1:9")
    text = asyncio.run(crawl.crawl4ai_md("https://docs.example/")).text
    assert "docker pull unclecode/crawl4ai:latest" in text
    assert "docker run -d -p 11235:11235 --name crawl4ai --shm-size=1g unclecode/crawl4ai:latest" in text
