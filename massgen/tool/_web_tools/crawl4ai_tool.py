"""Web scraping through a crawl4ai container (TOOL-090 to TOOL-094); only HTTP, no crawl4ai package."""

from __future__ import annotations

import asyncio
import base64
import binascii
import json
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from massgen.tool._context import current_call
from massgen.tool._result import ExecutionResult, TextContent

if TYPE_CHECKING:
    import httpx2

DEFAULT_ADDRESS = "http://localhost:11235"
MAX_PARALLEL = 5
MAX_TEXT = 100_000
TIMEOUT = 120.0
SETUP = """Error: the crawl4ai container does not answer at {address}. Start it once with:
  docker pull unclecode/crawl4ai:latest
  docker run -d -p 11235:11235 --name crawl4ai --shm-size=1g unclecode/crawl4ai:latest"""


class CrawlFailed(Exception):
    """The service did not do what was asked; the text is for the model."""


async def crawl4ai_md(url: str, query: str | None = None) -> ExecutionResult:
    """Get a web page as clean markdown.

    Args:
        url: Address of the page
        query: What to look for; only matching parts are given
    """
    body: dict[str, Any] = {"url": _checked(url), "f": "bm25" if query else "fit"}
    if query:
        body["q"] = query
    return await _text("/md", body, "markdown")


async def crawl4ai_html(url: str) -> ExecutionResult:
    """Get the preprocessed HTML of a web page.

    Args:
        url: Address of the page
    """
    return await _text("/html", {"url": _checked(url)}, "html")


async def crawl4ai_screenshot(
    url: str, output_filename: str | None = None, wait_seconds: float = 2.0
) -> ExecutionResult:
    """Take a screenshot of a web page and save it in the workspace.

    Args:
        url: Address of the page
        output_filename: File to write, relative to the workspace
        wait_seconds: Seconds to wait before the picture is taken
    """
    body = {"url": _checked(url), "screenshot_wait_for": wait_seconds}
    return await _file("/screenshot", body, "screenshot", output_filename or _file_name(url, ".png"))


async def crawl4ai_pdf(url: str, output_filename: str | None = None) -> ExecutionResult:
    """Make a PDF of a web page and save it in the workspace.

    Args:
        url: Address of the page
        output_filename: File to write, relative to the workspace
    """
    return await _file("/pdf", {"url": _checked(url)}, "pdf", output_filename or _file_name(url, ".pdf"))


async def crawl4ai_execute_js(url: str, scripts: list[str]) -> ExecutionResult:
    """Run JavaScript on a web page and give back what the scripts give.

    Args:
        url: Address of the page
        scripts: Scripts, each an expression or a self-invoking function, run in order
    """
    return await _text("/execute_js", {"url": _checked(url), "scripts": scripts}, "js_execution_result")


async def crawl4ai_crawl(urls: list[str]) -> ExecutionResult:
    """Get several web pages as markdown, a few at a time.

    Args:
        urls: Addresses of the pages
    """
    gate = asyncio.Semaphore(MAX_PARALLEL)
    async with _service() as client:
        problem = await _unhealthy(client)
        if problem:
            return _said(problem)

        async def one(url: str) -> str:
            async with gate:
                try:
                    reply = await _post(client, "/md", {"url": _checked(url), "f": "fit"})
                    text = str(reply.get("markdown", ""))
                except (CrawlFailed, ValueError) as error:
                    text = str(error)
            return f"# {url}\n\n{text[: MAX_TEXT // max(len(urls), 1)]}"

        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(one(url)) for url in urls]
    return _said("\n\n".join(task.result() for task in tasks))


async def _text(path: str, body: dict[str, Any], key: str) -> ExecutionResult:
    async with _service() as client:
        problem = await _unhealthy(client)
        if problem:
            return _said(problem)
        try:
            reply = await _post(client, path, body)
        except CrawlFailed as error:
            return _said(str(error))
    value = reply.get(key, reply)
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return _said(text if len(text) <= MAX_TEXT else f"{text[:MAX_TEXT]}\n[... cut ...]")


async def _file(path: str, body: dict[str, Any], key: str, name: str) -> ExecutionResult:
    target = current_call().resolve(name, write=True)
    async with _service() as client:
        problem = await _unhealthy(client)
        if problem:
            return _said(problem)
        try:
            reply = await _post(client, path, body)
            data = base64.b64decode(str(reply.get(key, "")), validate=True)
        except (CrawlFailed, binascii.Error) as error:
            return _said(f"Error: no {key} was given: {error}")
    await asyncio.to_thread(_save, target, data)
    return _said(f"Saved {len(data)} bytes to {name}.")


def _service() -> httpx2.AsyncClient:
    import httpx2

    address = os.environ.get("CRAWL4AI_BASE_URL") or DEFAULT_ADDRESS
    return httpx2.AsyncClient(base_url=address, timeout=TIMEOUT, trust_env=False)


async def _unhealthy(client: httpx2.AsyncClient) -> str:
    """What is wrong with the service, "" if nothing (TOOL-092)."""
    import httpx2

    try:
        healthy = (await client.get("/health", timeout=5.0)).status_code < 400
    except httpx2.HTTPError:
        healthy = False
    return "" if healthy else SETUP.format(address=str(client.base_url).rstrip("/"))


async def _post(client: httpx2.AsyncClient, path: str, body: dict[str, Any]) -> dict[str, Any]:
    import httpx2

    try:
        reply = await client.post(path, json=body)
        reply.raise_for_status()
        value = reply.json()
    except (httpx2.HTTPError, ValueError) as error:
        raise CrawlFailed(f"Error: {body.get('url')}: {error}") from error
    return value if isinstance(value, dict) else {"result": value}


def _checked(url: str) -> str:
    if urlsplit(url).scheme not in ("http", "https"):
        raise ValueError(f"'{url}' is not an http(s) address.")
    return url


def _file_name(url: str, suffix: str) -> str:
    return re.sub(r"[^A-Za-z0-9]+", "_", urlsplit(url).netloc + urlsplit(url).path).strip("_")[:60] + suffix


def _save(target: Path, data: bytes) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(data)


def _said(text: str) -> ExecutionResult:
    return ExecutionResult(output_blocks=[TextContent(data=text)])
