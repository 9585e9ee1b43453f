"""Paraphrases of the question for diversity, made directly through the configured backend (COORD-134 to COORD-138)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from massgen.backends.protocol import ModelBackend
from massgen.config.schema.orchestrator import Dspy
from massgen.engine.preparing import requests
from massgen.engine.preparing.oneshot import FAILURES, Asker
from massgen.errors import ConfigError

STRATEGIES = {
    "balanced": (0.5, 0.6, 0.7),
    "diverse": (0.3, 0.6, 0.9),
    "conservative": (0.3, 0.4, 0.5),
    "adaptive": (0.3, 0.5, 0.7, 0.9),
}
_cache: dict[tuple[str, str], tuple[str, ...]] = {}


def temperatures(wanted: Dspy) -> list[float]:
    """One temperature for each variant (COORD-136)."""
    count = min(wanted.num_variants, 10)
    if wanted.backend is not None and wanted.backend.temperature is not None:
        return [wanted.backend.temperature] * count
    if wanted.temperature_range is not None:
        low, high = wanted.temperature_range
        step = (high - low) / max(1, count - 1)
        return [round(low + step * number, 4) for number in range(count)]
    values = STRATEGIES[wanted.strategy]
    return [values[number % len(values)] for number in range(count)]


async def paraphrases(
    asker: Asker,
    backend_at: Callable[[float], ModelBackend],
    wanted: Dspy,
    question: str,
    agent_id: str,
    warn: Callable[[str], None],
) -> tuple[str, ...]:
    """Valid variants, empty where none could be made; the original question is then used alone (COORD-138)."""
    key = (question, wanted.model_dump_json(exclude={"backend": {"api_key"}}))
    if wanted.cache_enabled and key in _cache:
        return _cache[key]
    found: list[str] = []

    async def one(temperature: float) -> None:
        try:
            backend = backend_at(temperature)
            text = await requests.paraphrase(
                asker, backend, agent_id, question, careful=wanted.use_chain_of_thought
            )
            if await _valid(asker, backend, wanted, question, text, agent_id):
                found.append(text)
        except (*FAILURES, ConfigError) as error:
            warn(f"A paraphrase could not be made ({error}).")

    async with asyncio.TaskGroup() as group:
        for temperature in temperatures(wanted):
            group.create_task(one(temperature))
    unique = tuple(dict.fromkeys(found))
    if not unique:
        warn("No paraphrase could be used; all agents get the original question.")
    elif wanted.cache_enabled:
        _cache[key] = unique
    return unique


async def _valid(
    asker: Asker, backend: ModelBackend, wanted: Dspy, question: str, text: str, agent_id: str
) -> bool:
    if text == question:
        return False
    if not wanted.validate_semantics:
        return True
    likeness = await requests.same_meaning(asker, backend, agent_id, question, text)
    return likeness >= wanted.semantic_threshold
