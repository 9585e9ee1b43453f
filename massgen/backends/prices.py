"""What a call cost: overrides first, then the offline price table; unknown stays unknown (BE-006)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pydantic_ai.messages import ModelResponse
    from pydantic_ai.usage import RequestUsage

_MILLION = Decimal(1_000_000)


@dataclass(frozen=True, slots=True, kw_only=True)
class Price:
    """USD per million tokens; `cached_input` is `input` where it is None."""

    input: Decimal
    output: Decimal
    cached_input: Decimal | None = None

    def of(self, *, input_tokens: int, output_tokens: int, cached_tokens: int = 0) -> Decimal:
        """The price of one call; `cached_tokens` is the part of `input_tokens` read from a cache."""
        cached_price = self.input if self.cached_input is None else self.cached_input
        fresh = max(0, input_tokens - cached_tokens)
        total = self.input * fresh + cached_price * cached_tokens + self.output * output_tokens
        return total / _MILLION


FREE = Price(input=Decimal(0), output=Decimal(0))


def cost_of(response: ModelResponse, model: str, overrides: Mapping[str, Price]) -> Decimal | None:
    """USD for one finished response to `model`, None where no price is known or usage was not reported."""
    usage = response.usage
    if not usage.input_tokens and not usage.output_tokens:
        return None
    names = [name for name in (model, response.model_name) if name]
    for name in names:
        if name in overrides:
            return overrides[name].of(
                input_tokens=usage.input_tokens,
                output_tokens=usage.output_tokens,
                cached_tokens=usage.cache_read_tokens,
            )
    return _from_table(usage, names, response.provider_url, response.provider_name)


def _from_table(usage: RequestUsage, names: list[str], url: str | None, provider: str | None) -> Decimal | None:
    for name in names:
        seller = _seller(name, url, provider)
        if seller is not None:
            return _table_price(usage, name, *seller)
    return None


@lru_cache(maxsize=256)
def _seller(name: str, url: str | None, provider: str | None) -> tuple[str | None, str | None] | None:
    """How the table knows a model: by endpoint, by provider, by the name alone, or as OpenRouter sells it.

    Remembered, because a model that is in no table is compared with thousands of names.
    """
    from pydantic_ai.usage import RequestUsage

    for by_url, by_provider in ((url, None), (None, provider), (None, None), (None, "openrouter")):
        try:
            _table_price(RequestUsage(input_tokens=1, output_tokens=1), name, by_url, by_provider)
        except (LookupError, ValueError):
            continue
        return by_url, by_provider
    return None


def _table_price(usage: RequestUsage, name: str, url: str | None, provider: str | None) -> Decimal:
    from genai_prices import calc_price

    if url is not None:
        return calc_price(usage, name, provider_api_url=url).total_price
    return calc_price(usage, name, provider_id=provider).total_price
