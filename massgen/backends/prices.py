"""What a call cost: overrides first, then the offline price table; unknown stays unknown (BE-006)."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from functools import lru_cache
from typing import Any

from msgspec import Struct

from massgen.backends.calling import Reply, Tokens

_MILLION = Decimal(1_000_000)


class Price(Struct, frozen=True, kw_only=True):
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


def cost_of(reply: Reply, model: str, overrides: Mapping[str, Price]) -> Decimal | None:
    """USD for one finished response of `model`, None where no price is known or usage was not reported."""
    tokens = reply.tokens
    if tokens is None:
        return None
    names = [name for name in (model, reply.model) if name]
    for name in names:
        if name in overrides:
            return overrides[name].of(
                input_tokens=tokens.input, output_tokens=tokens.output, cached_tokens=tokens.cached
            )
    return _from_table(tokens, names, reply.seller_url, reply.seller)


def _from_table(tokens: Tokens, names: list[str], url: str | None, provider: str | None) -> Decimal | None:
    for name in names:
        seller = _seller(name, url, provider)
        if seller is not None:
            return _table_price(tokens.billed or _usage(tokens), name, *seller)
    return None


def _usage(tokens: Tokens) -> Any:
    from genai_prices import Usage

    return Usage(input_tokens=tokens.input, output_tokens=tokens.output, cache_read_tokens=tokens.cached)


@lru_cache(maxsize=256)
def _seller(name: str, url: str | None, provider: str | None) -> tuple[str | None, str | None] | None:
    """How the table knows a model: by endpoint, by provider, by the name alone, or as OpenRouter sells it.

    Remembered, because a model that is in no table is compared with thousands of names.
    """
    one = _usage(Tokens(input=1, output=1))
    for by_url, by_provider in ((url, None), (None, provider), (None, None), (None, "openrouter")):
        try:
            _table_price(one, name, by_url, by_provider)
        except (LookupError, ValueError):
            continue
        return by_url, by_provider
    return None


def _table_price(usage: Any, name: str, url: str | None, provider: str | None) -> Decimal:
    from genai_prices import calc_price

    if url is not None:
        return calc_price(usage, name, provider_api_url=url).total_price
    return calc_price(usage, name, provider_id=provider).total_price
