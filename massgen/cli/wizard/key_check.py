"""One small paid request that tells whether a key is accepted. Made only where the person agreed."""

from __future__ import annotations

import asyncio
from typing import Literal

from msgspec import Struct

from massgen.config.environment import Environment
from massgen.errors import AuthenticationFailed, BackendError, MassGenError

PATIENCE = 30.0
LONGEST_REPLY = 64
"""Tokens."""
SMALL_MODELS = {
    "openai": "gpt-5-nano",
    "claude": "claude-haiku-4-5-20251001",
    "gemini": "gemini-2.5-flash",
    "grok": "grok-3-mini",
    "openrouter": "openai/gpt-5-nano",
    "cerebras": "llama-3.1-8b",
    "fireworks": "accounts/fireworks/models/llama-v3p3-70b-instruct",
    "qwen": "qwen-turbo",
    "moonshot": "moonshot-v1-32k",
}
"""The cheapest documented model of a type; where none is named here, the first known one is used."""

Verdict = Literal["accepted", "refused", "unknown"]


class KeyCheck(Struct, frozen=True, kw_only=True):
    """`reason` says why, in the provider's words; the key itself never appears."""

    verdict: Verdict
    model: str
    reason: str = ""


def check_model(name: str) -> str | None:
    """The model that `check_key` asks, None where a type has no documented one."""
    from massgen.cli.wizard.draft import default_model

    return SMALL_MODELS.get(name) or default_model(name)


def check_key(name: str, key: str, environment: Environment) -> KeyCheck:
    """Ask the provider of type `name` for one word. Addresses come from `environment`."""
    return asyncio.run(_check(name, key, environment))


async def _check(name: str, key: str, environment: Environment) -> KeyCheck:
    from massgen.backends import CallLimits, RetryPolicy, SharedResources, create_backend
    from massgen.backends.protocol import ModelRequest, UserMessage

    model = check_model(name) or ""
    section = {"type": name, "model": model, "api_key": key, "max_tokens": LONGEST_REPLY}
    request = ModelRequest(system="Answer with one word.", messages=[UserMessage(text="Say OK.")])
    resources = SharedResources(retries=RetryPolicy(attempts=1))
    try:
        backend = create_backend(
            section,
            agent_id="key check",
            resources=resources,
            limits=CallLimits(first_token=PATIENCE, idle=PATIENCE, total=PATIENCE),
            environ=environment,
        )
        async for _ in backend.stream(request):
            pass
    except AuthenticationFailed as error:
        return KeyCheck(verdict="refused", model=model, reason=_without(key, error))
    except BackendError as error:
        return KeyCheck(verdict="unknown", model=model, reason=_without(key, error))
    finally:
        await resources.close()
    return KeyCheck(verdict="accepted", model=model)


def _without(key: str, error: MassGenError) -> str:
    return error.message.replace(key, "***")
