"""Model servers on this machine: asked for their models at the usual addresses, on loopback only."""

from __future__ import annotations

import asyncio
import json
import os
import re
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from msgspec import Struct
from msgspec.structs import replace

from massgen.config.backend_types import BACKEND_TYPES

if TYPE_CHECKING:
    import httpx2

PATIENCE = 4.0
"""Seconds for a server to answer; where there is none, the refusal comes at once."""
LONGEST_ANSWER = 1_000_000
MOST_MODELS = 50
_NAME = re.compile(r"[A-Za-z0-9][\w./:@+-]{0,199}")
"""Names go into a configuration, where `${...}` would be replaced by a variable: a server must not get that far."""


class LocalServer(Struct, frozen=True, kw_only=True):
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
    try:
        parts = urlsplit(given if "://" in given else f"http://{given}")
        host, port = parts.hostname or "localhost", parts.port or 11434
    except ValueError:
        host, port = "localhost", 11434
    host = "localhost" if host == "0.0.0.0" else host
    return f"http://{f'[{host}]' if ':' in host else host}:{port}/v1"


def find_servers() -> tuple[LocalServer, ...]:
    """Those that answer now with a list of models."""
    return asyncio.run(_find(usual_servers()))


async def _find(places: tuple[LocalServer, ...]) -> tuple[LocalServer, ...]:
    near = [place for place in places if is_loopback(place.base_url)]
    import httpx2

    # No certificates are loaded: that takes long, and these addresses are plain HTTP.
    client = httpx2.AsyncClient(trust_env=False, verify=False, timeout=PATIENCE)
    async with client, asyncio.TaskGroup() as group:
        asked = [group.create_task(_ask(client, place)) for place in near]
    return tuple(found for task in asked if (found := task.result()) is not None)


def is_loopback(address: str) -> bool:
    """Whether an address names this machine."""
    import ipaddress

    host = urlsplit(address).hostname or ""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


async def _ask(client: httpx2.AsyncClient, place: LocalServer) -> LocalServer | None:
    import httpx2

    data = b""
    try:
        async with asyncio.timeout(PATIENCE), client.stream("GET", f"{place.base_url}/models") as answer:
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
    return tuple(name for name in names if isinstance(name, str) and _NAME.fullmatch(name))[:MOST_MODELS]
