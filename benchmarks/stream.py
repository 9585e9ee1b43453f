"""An answer of 20,000 stream chunks: CPU beside the bare pydantic-ai request layer, chunks a second, bytes of log."""

from __future__ import annotations

import asyncio
import time
from typing import Any

from budget import Figure
from provider import QUESTION, apart, ask

CHUNKS = 20_000
TEXT = "word " * CHUNKS
ROUNDS = 3
FORMATS = {"chatcompletion": "/v1", "together": "/v1", "openai": "/v1", "claude": "", "gemini": ""}
"""Backend types and where they find the provider: our own line, then the library's four."""


async def bare(url: str) -> float:
    """CPU seconds of one streamed request without anything of ours."""
    from pydantic_ai.direct import model_request_stream
    from pydantic_ai.messages import ModelRequest, UserPromptPart
    from pydantic_ai.models.openai import OpenAIChatModel
    from pydantic_ai.providers.openai import OpenAIProvider

    model = OpenAIChatModel("model-1", provider=OpenAIProvider(base_url=url, api_key="unused"))
    request = ModelRequest(parts=[UserPromptPart(content=QUESTION)])
    begin = time.process_time()
    async with model_request_stream(model, [request]) as stream:
        async for _ in stream:
            pass
    return time.process_time() - begin


def team(type_name: str, url: str) -> dict[str, Any]:
    """One agent at the provider."""
    backend = {"type": type_name, "model": "model-1", "base_url": url, "api_key": "unused"}
    return {"agents": [{"id": "one", "backend": backend}]}


async def measure(url: str) -> None:
    config = team("chatcompletion", url)
    await bare(url)
    await ask(config, plain=True)
    plain = min([await bare(url) for _ in range(ROUNDS)])
    runs = [await ask(config, plain=True) for _ in range(ROUNDS)]
    ours = min(timed.cpu for timed in runs)
    Figure(name="20,000 chunks beside the bare request layer (CPU)", measured=ours / plain, unit="x",
           budget=1.6).report()  # fmt: skip
    for type_name, path in FORMATS.items():
        config = team(type_name, url.removesuffix("/v1") + path)
        await ask(config, plain=True)
        cpu = min([(await ask(config, plain=True)).cpu for _ in range(ROUNDS)])
        Figure(name=f"stream chunks a second of CPU, {type_name}", measured=CHUNKS / cpu, unit="/s", budget=20_000,
               at_least=True).report()  # fmt: skip
    share = runs[-1].log_bytes / len(TEXT)
    Figure(name="bytes of log a byte of a long answer", measured=share, unit="x", budget=6).report()


def main() -> None:
    with apart({"model-1": {"text": TEXT, "chunks": CHUNKS}}) as address:
        asyncio.run(measure(f"{address}/v1"))


if __name__ == "__main__":
    main()
