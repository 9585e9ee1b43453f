"""Model servers on this machine: asked for their models at the usual addresses, on loopback only."""

from __future__ import annotations

import asyncio
import json
import os
from dataclasses import dataclass
from urllib.parse import urlsplit

from massgen.config.backend_types import BACKEND_TYPES

PATIENCE = 1.0
"""Seconds for one server to answer."""
LONGEST_ANSWER = 1_000_000
MOST_MODELS = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalServer:
    """A server that answered. `keyless` is set where the type would otherwise look for a key."""

    label: str
    type: str
    base_url: str
    models: tuple[str, ...] = ()
    keyless: bool = False

    @property
    def is_usual(self) -> bool:
        """Whether the type finds this address without being told."""
        return BACKEND_TYPES[self.type].base_url == self.base_url


def usual_servers() -> tuple[LocalServer, ...]:
    """Where servers usually are; `OLLAMA_HOST` is Ollama's own variable, and is heeded where it names this machine."""
    local = tuple(
        LocalServer(label=BACKEND_TYPES[name].label, type=name, base_url=BACKEND_TYPES[name].base_url or "")
        for name in ("lmstudio", "vllm", "sglang")
    )
    return (ollama(_ollama_address()), *local)


def ollama(address: str) -> LocalServer:
    """Ollama, or any other server that speaks OpenAI's format without a key."""
    return LocalServer(label="Ollama", type="chatcompletion", base_url=address, keyless=True)


def _ollama_address() -> str:
    given = os.environ.get("OLLAMA_HOST", "").strip()
    parts = urlsplit(given if "://" in given else f"http://{given}")
    try:
        host, port = parts.hostname or "localhost", parts.port or 11434
    except ValueError:
        host, port = "localhost", 11434
    return f"http://{'localhost' if host == '0.0.0.0' else host}:{port}/v1"


def find_servers() -> tuple[LocalServer, ...]:
    """Those that answer now with a list of models."""
    return asyncio.run(_find(usual_servers()))


async def _find(places: tuple[LocalServer, ...]) -> tuple[LocalServer, ...]:
    near = [place for place in places if is_loopback(place.base_url)]
    async with asyncio.TaskGroup() as group:
        asked = [group.create_task(_ask(place)) for place in near]
    return tuple(found for task in asked if (found := task.result()) is not None)


def is_loopback(address: str) -> bool:
    """Whether an address names this machine."""
    import ipaddress

    host = urlsplit(address).hostname or ""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


async def _ask(place: LocalServer) -> LocalServer | None:
    import httpx2

    data = b""
    try:
        async with (
            asyncio.timeout(PATIENCE),
            httpx2.AsyncClient(trust_env=False, follow_redirects=False) as client,
            client.stream("GET", f"{place.base_url}/models") as answer,
        ):
            if answer.status_code != 200:
                return None
            async for piece in answer.aiter_bytes():
                data += piece
                if len(data) > LONGEST_ANSWER:
                    return None
    except (httpx2.HTTPError, TimeoutError, OSError):
        return None
    models = _models(data)
    if models is None:
        return None
    from dataclasses import replace

    return replace(place, models=models)


def _models(data: bytes) -> tuple[str, ...] | None:
    """The ids of OpenAI's model list; None where the answer is something else."""
    try:
        listed = json.loads(data)
    except ValueError:
        return None
    entries = listed.get("data") if isinstance(listed, dict) else None
    if not isinstance(entries, list):
        return None
    names = [entry.get("id") for entry in entries if isinstance(entry, dict)]
    return tuple(name for name in names if isinstance(name, str) and name.isprintable())[:MOST_MODELS]
