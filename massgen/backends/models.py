"""Models the documents name, per type: for pickers and defaults, never as a limit (BE-005).

Names outside these lists are passed through. The first name of a list is the one offered first.
"""

from __future__ import annotations

KNOWN_MODELS: dict[str, tuple[str, ...]] = {
    "openai": (
        "gpt-5.4",
        "gpt-5.2",
        "gpt-5.1",
        "gpt-5",
        "gpt-5-mini",
        "gpt-5-nano",
        "gpt-4.1",
        "gpt-4o",
        "gpt-4o-mini",
        "gpt-4",
        "gpt-4-turbo",
        "gpt-3.5-turbo",
        "o1",
        "o4-mini",
    ),
    "claude": (
        "claude-opus-4-5-20251101",
        "claude-sonnet-4-5-20250929",
        "claude-haiku-4-5-20251001",
        "claude-opus-4-1-20250805",
        "claude-sonnet-4-20250514",
        "claude-3-5-sonnet-latest",
        "claude-3-5-haiku-latest",
    ),
    "claude_code": (
        "claude-sonnet-4-5-20250929",
        "claude-sonnet-4-20250514",
        "sonnet",
        "claude-sonnet-4",
        "claude-opus-4",
    ),
    "codex": ("gpt-5.4", "gpt-5.3-codex", "gpt-5.2-codex", "gpt-5.1-codex", "gpt-5-codex", "gpt-4.1"),
    "gemini": (
        "gemini-3-pro-preview",
        "gemini-3-flash-preview",
        "gemini-2.5-pro",
        "gemini-2.5-flash",
        "gemini-2.5-flash-thinking",
        "gemini-2.0-flash",
    ),
    "gemini_cli": (
        "gemini-2.5-pro",
        "gemini-2.5-flash",
        "gemini-2.5-flash-lite",
        "gemini-3-flash-preview",
        "gemini-3-pro-preview",
        "gemini-3.1-pro-preview",
    ),
    "copilot": ("gpt-5-mini", "gpt-4.1", "gpt-4", "claude-sonnet-4", "gemini-2.5-pro"),
    "grok": (
        "grok-4-1-fast-reasoning",
        "grok-4",
        "grok-4-fast",
        "grok-4-fast-reasoning",
        "grok-3",
        "grok-3-mini",
    ),
    "azure_openai": ("gpt-4", "gpt-4o", "gpt-4.1", "gpt-3.5-turbo", "gpt-5-chat"),
    "zai": ("glm-4.5",),
    "groq": ("llama-3.3-70b-versatile", "llama-3.1-70b-versatile", "mixtral-8x7b-32768"),
    "cerebras": ("llama-3.3-70b", "llama-3.1-8b", "gpt-oss-120b", "gpt-oss-70b"),
    "together": (
        "meta-llama/Meta-Llama-3.1-405B-Instruct-Turbo",
        "mistralai/Mixtral-8x7B-Instruct-v0.1",
    ),
    "fireworks": (
        "accounts/fireworks/models/llama-v3p3-70b-instruct",
        "accounts/fireworks/models/llama-v3p1-405b-instruct",
    ),
    "qwen": ("qwen-max", "qwen-plus", "qwen-turbo"),
    "moonshot": ("moonshot-v1-128k", "moonshot-v1-32k"),
    "nebius": ("Qwen/Qwen3-4B-fast",),
}

_SHORT_NAMES: dict[str, dict[str, str]] = {
    "claude": {
        "sonnet": "claude-sonnet-4-5-20250929",
        "opus": "claude-opus-4-5-20251101",
        "haiku": "claude-haiku-4-5-20251001",
        "claude-sonnet-4-5": "claude-sonnet-4-5-20250929",
        "claude-opus-4-5": "claude-opus-4-5-20251101",
        "claude-haiku-4-5": "claude-haiku-4-5-20251001",
        "claude-sonnet-4": "claude-sonnet-4-20250514",
        "claude-opus-4": "claude-opus-4-20250514",
        "claude-3-5-sonnet-latest": "claude-3-5-sonnet-20241022",
    },
}


def known_models(type_name: str) -> tuple[str, ...]:
    """Names to offer for a type; empty where any name may be meant."""
    return KNOWN_MODELS.get(type_name, ())


def provider_model_id(type_name: str, model: str) -> str:
    """The id that the provider's API wants for a name the documents use (BE-005)."""
    return _SHORT_NAMES.get(type_name, {}).get(model, model)
