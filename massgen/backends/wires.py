"""The wire format of each backend type, and the library model that speaks it (BE-010, BE-029, BE-041)."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable
from importlib import import_module
from typing import TYPE_CHECKING, Any, Literal

from msgspec import Struct

from massgen.backends.endpoint import Endpoint
from massgen.errors import MissingExtra

if TYPE_CHECKING:
    from pydantic_ai.models import Model

WireName = Literal["chat", "responses", "anthropic", "gemini", "azure"]


class Wire(Struct, frozen=True, kw_only=True):
    """How a type is spoken to.

    `provider` and `model` name the library's classes for a type that has its own; without them a server is a
    generic OpenAI-compatible one.
    """

    name: WireName
    provider: str | None = None
    model: str = "pydantic_ai.models.openai:OpenAIChatModel"


GENERIC = Wire(name="chat")
"""A server of which nothing but the wire format is known."""

WIRES: dict[str, Wire] = {
    "openai": Wire(name="responses"),
    "grok": Wire(name="responses"),
    "claude": Wire(name="anthropic"),
    "gemini": Wire(name="gemini"),
    "azure_openai": Wire(name="azure"),
    "chatcompletion": GENERIC,
    "groq": GENERIC,
    "zai": Wire(
        name="chat",
        provider="pydantic_ai.providers.zai:ZaiProvider",
        model="pydantic_ai.models.zai:ZaiModel",
    ),
    "cerebras": Wire(
        name="chat",
        provider="pydantic_ai.providers.cerebras:CerebrasProvider",
        model="pydantic_ai.models.cerebras:CerebrasModel",
    ),
    "openrouter": Wire(
        name="chat",
        provider="pydantic_ai.providers.openrouter:OpenRouterProvider",
        model="pydantic_ai.models.openrouter:OpenRouterModel",
    ),
    "together": Wire(name="chat", provider="pydantic_ai.providers.together:TogetherProvider"),
    "fireworks": Wire(name="chat", provider="pydantic_ai.providers.fireworks:FireworksProvider"),
    "nebius": Wire(name="chat", provider="pydantic_ai.providers.nebius:NebiusProvider"),
    "moonshot": Wire(name="chat", provider="pydantic_ai.providers.moonshotai:MoonshotAIProvider"),
    "qwen": Wire(name="chat", provider="pydantic_ai.providers.alibaba:AlibabaProvider"),
    "lmstudio": GENERIC,
    "vllm": GENERIC,
    "sglang": GENERIC,
    "inference": GENERIC,
}
"""Every type that is reached over HTTP."""

_PROFILED = re.compile(r"gpt-oss|gpt-[5-9]|o\d|codex|computer-use|.*-search-preview|magistral", re.IGNORECASE)
"""Names of models that want something of their own, as the library's profiles say."""

_MODULES: dict[WireName, tuple[str, ...]] = {
    "chat": ("openai", "pydantic_ai.models.openai", "pydantic_ai.providers.openai_compatible"),
    "responses": ("openai", "pydantic_ai.models.openai", "pydantic_ai.providers.openai"),
    "azure": ("openai", "pydantic_ai.models.openai", "pydantic_ai.providers.azure"),
    "anthropic": ("anthropic", "pydantic_ai.models.anthropic", "pydantic_ai.providers.anthropic"),
    "gemini": ("google.genai", "pydantic_ai.models.google", "pydantic_ai.providers.google"),
}


def modules_of(type_name: str) -> tuple[str, ...]:
    """The modules that a type needs, so that they can be imported ahead of the first call."""
    wire = WIRES[type_name]
    own = [path.partition(":")[0] for path in (wire.provider, wire.model if wire.name == "chat" else None) if path]
    return (*_MODULES[wire.name], *own)


def spoken_here(endpoint: Endpoint) -> bool:
    """Whether `endpoint` is a server of which only the wire format is known, and its model one like any other."""
    if WIRES[endpoint.type.name] is not GENERIC or endpoint.base_url is None or endpoint.host.endswith("openai.com"):
        return False
    return "/" not in endpoint.model and not _PROFILED.match(endpoint.model)


def build_model(endpoint: Endpoint, http_client: Any, extra_body: dict[str, Any]) -> Model:
    """The library's model for `endpoint`, with its retries off. `extra_body` is used by Gemini only, whose
    SDK takes it per client; the others take it per request."""
    wire = WIRES[endpoint.type.name]
    if endpoint.type.name == "openrouter" and "/" not in endpoint.model:
        wire = GENERIC  # the library takes no such name there, a server behind base_url may
    try:
        return _BUILDERS[wire.name](endpoint, http_client, wire, extra_body)
    except ImportError as error:
        raise MissingExtra(f"The backend type '{endpoint.type.name}'", endpoint.type.name) from error


def _chat(endpoint: Endpoint, http_client: Any, wire: Wire, _: dict[str, Any]) -> Model:
    from pydantic_ai.profiles.openai import OpenAIModelProfile

    client = _openai_client(endpoint, http_client)
    compatible = not endpoint.host.endswith("openai.com")
    profile = OpenAIModelProfile(openai_chat_streaming_requires_finish_reason=not endpoint.is_local)
    if compatible:
        profile["openai_supports_strict_tool_definition"] = False
        profile["openai_chat_supports_max_completion_tokens"] = False
        profile["openai_chat_supports_multiple_system_messages"] = False
    return _loaded(wire.model)(endpoint.model, provider=_chat_provider(endpoint, wire, client), profile=profile)


def _openai_client(endpoint: Endpoint, http_client: Any) -> Any:
    from openai import AsyncOpenAI

    client = AsyncOpenAI(api_key=endpoint.api_key, base_url=endpoint.base_url, http_client=http_client, max_retries=0)
    if endpoint.type.name != "openai":
        client.organization = client.project = None  # read from variables, and nobody else's business
    return client


def _chat_provider(endpoint: Endpoint, wire: Wire, client: Any) -> Any:
    if wire.provider is not None:
        return _loaded(wire.provider)(openai_client=client)
    if endpoint.host.endswith("openai.com"):
        from pydantic_ai.providers.openai import OpenAIProvider

        return OpenAIProvider(openai_client=client)
    from pydantic_ai.providers.openai_compatible import OpenAICompatibleProvider

    return OpenAICompatibleProvider(endpoint.type.name, openai_client=client)


def _responses(endpoint: Endpoint, http_client: Any, _: Wire, __: dict[str, Any]) -> Model:
    from pydantic_ai.models.openai import OpenAIResponsesModel
    from pydantic_ai.providers.openai import OpenAIProvider
    from pydantic_ai.providers.openai_compatible import OpenAICompatibleProvider

    client = _openai_client(endpoint, http_client)
    if endpoint.type.name == "openai":
        return OpenAIResponsesModel(endpoint.model, provider=OpenAIProvider(openai_client=client))
    provider = OpenAICompatibleProvider(endpoint.type.name, openai_client=client)
    return OpenAIResponsesModel(endpoint.model, provider=provider)


def _azure(endpoint: Endpoint, http_client: Any, _: Wire, __: dict[str, Any]) -> Model:
    from openai import AsyncAzureOpenAI
    from pydantic_ai.models.openai import OpenAIChatModel
    from pydantic_ai.providers.azure import AzureProvider

    client = AsyncAzureOpenAI(
        azure_endpoint=(endpoint.base_url or "").rstrip("/"),
        api_version=endpoint.api_version,
        api_key=endpoint.api_key,
        http_client=http_client,
        max_retries=0,
    )
    return OpenAIChatModel(endpoint.model, provider=AzureProvider(openai_client=client))


def _anthropic(endpoint: Endpoint, http_client: Any, _: Wire, __: dict[str, Any]) -> Model:
    from anthropic import AsyncAnthropic
    from pydantic_ai.models.anthropic import AnthropicModel
    from pydantic_ai.providers.anthropic import AnthropicProvider

    client = AsyncAnthropic(
        api_key=endpoint.api_key,
        base_url=_without_version(endpoint.base_url),
        http_client=http_client,
        max_retries=0,
    )
    return AnthropicModel(endpoint.model, provider=AnthropicProvider(anthropic_client=client))


def _gemini(endpoint: Endpoint, http_client: Any, _: Wire, extra_body: dict[str, Any]) -> Model:
    from google.genai import Client
    from google.genai.types import HttpOptions
    from pydantic_ai.models.google import GoogleModel
    from pydantic_ai.providers.google import GoogleProvider

    logging.getLogger("google_genai.models").addFilter(_worth_telling)
    options = HttpOptions(
        base_url=_without_version(endpoint.base_url),
        httpx_async_client=http_client,
        extra_body=extra_body or None,
    )
    client = Client(vertexai=False, api_key=endpoint.api_key, http_options=options)
    return GoogleModel(endpoint.model, provider=GoogleProvider(client=client))


def _worth_telling(record: logging.LogRecord) -> bool:
    """Not what Google's SDK says about calling functions by itself, which nobody asks it to do."""
    return "automatic function calling" not in str(record.msg)


def _without_version(base_url: str | None) -> str | None:
    """The address as these SDKs want it; they add the version of the API themselves."""
    if base_url is None:
        return None
    address = base_url.rstrip("/")
    for version in ("/v1beta", "/v1"):
        address = address.removesuffix(version)
    return address


def _loaded(path: str) -> Any:
    module, _, name = path.partition(":")
    return getattr(import_module(module), name)


_Builder = Callable[[Endpoint, Any, Wire, dict[str, Any]], "Model"]
_BUILDERS: dict[WireName, _Builder] = {
    "chat": _chat,
    "responses": _responses,
    "azure": _azure,
    "anthropic": _anthropic,
    "gemini": _gemini,
}
