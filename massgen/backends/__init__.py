"""Providers: one small protocol, everything else chosen by the configuration. Nothing heavy is imported here."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from massgen.backends.capabilities import CAPABILITIES, Capabilities, capabilities_of
    from massgen.backends.creation import check_backend, create_backend, prefetch, prefetch_backends, prefetch_prices
    from massgen.backends.facts import ModelFacts, facts_of
    from massgen.backends.limits import CallLimits, RetryPolicy
    from massgen.backends.models import known_models
    from massgen.backends.partial_json import FieldReader
    from massgen.backends.prices import Price
    from massgen.backends.resources import Connections, SharedResources
    from massgen.backends.simulated import PolicyBackend, Turn

__all__ = [
    "CAPABILITIES",
    "CallLimits",
    "Capabilities",
    "Connections",
    "FieldReader",
    "ModelFacts",
    "PolicyBackend",
    "Price",
    "RetryPolicy",
    "SharedResources",
    "Turn",
    "capabilities_of",
    "check_backend",
    "create_backend",
    "facts_of",
    "known_models",
    "prefetch",
    "prefetch_backends",
    "prefetch_prices",
]

_HOMES = {
    "CAPABILITIES": "capabilities",
    "CallLimits": "limits",
    "Capabilities": "capabilities",
    "Connections": "resources",
    "FieldReader": "partial_json",
    "ModelFacts": "facts",
    "PolicyBackend": "simulated",
    "Price": "prices",
    "RetryPolicy": "limits",
    "SharedResources": "resources",
    "Turn": "simulated",
    "capabilities_of": "capabilities",
    "check_backend": "creation",
    "create_backend": "creation",
    "facts_of": "facts",
    "known_models": "models",
    "prefetch": "creation",
    "prefetch_backends": "creation",
    "prefetch_prices": "creation",
}


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
