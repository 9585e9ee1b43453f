"""LiteLLM as a client of the server: its library, and its proxy as a router in front."""

from __future__ import annotations

import asyncio
import json
import os
import re
import secrets
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import litellm
import pytest
from openai import AsyncOpenAI

from tests.api.place import play
from tests.server.place import serving

MESSAGES = [{"role": "user", "content": "What is 2+2?"}]


@asynccontextmanager
async def proxy(folder: Path, url: str) -> AsyncIterator[AsyncOpenAI]:
    """A client of a LiteLLM proxy whose model `team` is the server at `url`; the system chooses its port."""
    target = {"model": "openai/massgen", "api_base": f"{url}/v1", "api_key": "not-needed"}
    key = f"sk-{secrets.token_hex(20)}"
    config = folder / "proxy.yaml"
    models = [{"model_name": "team", "litellm_params": target}]
    config.write_text(json.dumps({"model_list": models, "general_settings": {"master_key": key}}))
    command = [sys.executable, "-W", "ignore", "-m", "uvicorn", "litellm.proxy.proxy_server:app"]
    process = await asyncio.create_subprocess_exec(
        *command,
        *("--host", "127.0.0.1", "--port", "0"),
        cwd=folder,
        env={**os.environ, "LITELLM_LOCAL_MODEL_COST_MAP": "True", "CONFIG_FILE_PATH": str(config)},
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
    )
    assert process.stderr is not None
    said = b""
    try:
        async for line in process.stderr:
            said += line
            found = re.search(rb"running on http://127\.0\.0\.1:(\d+)", line)
            if found:
                break
        else:
            pytest.fail(f"The proxy did not start: {said.decode(errors='replace')}")
        address = f"http://127.0.0.1:{int(found.group(1))}/v1"
        async with asyncio.TaskGroup() as group:
            group.create_task(process.stderr.read())
            async with AsyncOpenAI(base_url=address, api_key=key, max_retries=0, timeout=250) as client:
                yield client
            process.kill()
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


@pytest.mark.timeout(600)
@pytest.mark.spec("SRV-015")
def test_the_proxy_in_front_gives_the_answer_of_the_team_whole_and_streamed(tmp_path: Path) -> None:
    async def story() -> None:
        async with serving(tmp_path) as served, proxy(tmp_path, served.url) as client:
            reply = await client.chat.completions.create(model="team", messages=MESSAGES)
            assert reply.choices[0].message.content == "Four, says the first."
            assert reply.usage is not None
            assert reply.usage.total_tokens > 0
            stream = await client.chat.completions.create(model="team", messages=MESSAGES, stream=True)
            pieces = [piece.choices[0].delta.content or "" async for piece in stream if piece.choices]
            assert "".join(pieces) == "Four, says the first."

    play(story, seconds=550)


@pytest.mark.spec("SRV-015")
def test_the_library_asks_the_server_as_any_openai_address(tmp_path: Path) -> None:
    async def story() -> None:
        async with serving(tmp_path) as served:
            reply = await litellm.acompletion(
                model="openai/massgen", api_base=f"{served.url}/v1", api_key="not-needed", messages=MESSAGES
            )
            assert reply.choices[0].message.content == "Four, says the first."
            assert "agent_a" in reply.choices[0].message.reasoning_content

    play(story)
