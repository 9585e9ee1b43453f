"""What the offline price data knows about a model: context size and prices (BE-006)."""

from __future__ import annotations

from decimal import Decimal

from msgspec import Struct

from massgen.config.backend_types import backend_type

_SELLERS = {
    "openai": "openai",
    "claude": "anthropic",
    "claude_code": "anthropic",
    "codex": "openai",
    "gemini": "google",
    "gemini_cli": "google",
    "grok": "x-ai",
    "azure_openai": "azure",
    "zai": "zai",
    "groq": "groq",
    "cerebras": "cerebras",
    "together": "together",
    "fireworks": "fireworks",
    "openrouter": "openrouter",
    "moonshot": "moonshotai",
}


class ModelFacts(Struct, frozen=True, kw_only=True):
    """None where unknown. Prices in USD per 1,000 tokens, at the lowest tier."""

    context_window: int | None = None
    input_per_1k: Decimal | None = None
    output_per_1k: Decimal | None = None


def facts_of(type_name: str, model: str) -> ModelFacts:
    """What is known about `model` of a backend type, without network; imports the price data (0.2 s once)."""
    from genai_prices import data_snapshot

    snapshot = data_snapshot.get_snapshot()
    seller = _SELLERS.get(backend_type(type_name).name)
    for provider in (seller, None, "openrouter"):
        try:
            _, found = snapshot.find_provider_model(model, None, provider, None)
        except LookupError:
            continue
        prices = found.prices
        return ModelFacts(
            context_window=found.context_window,
            input_per_1k=_per_thousand(getattr(prices, "input_mtok", None)),
            output_per_1k=_per_thousand(getattr(prices, "output_mtok", None)),
        )
    return ModelFacts()


def _per_thousand(price: object) -> Decimal | None:
    base = getattr(price, "base", price)
    return base / 1000 if isinstance(base, Decimal) else None
