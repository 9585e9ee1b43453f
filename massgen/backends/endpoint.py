"""Where a backend's calls go and with which key (BE-003, BE-010 to BE-014)."""

from __future__ import annotations

import ipaddress
import os
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from massgen.backends.models import provider_model_id
from massgen.backends.options import Lookup, Options
from massgen.config.backend_types import (
    BACKEND_TYPES,
    REROUTED_FROM,
    BackendType,
    backend_type,
    canonical_type,
    key_variables,
    split_model,
)
from massgen.errors import ConfigError

KEYLESS = "EMPTY"
"""Sent where a server asks for no key, because SDKs insist on one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """One provider's model at one address; `api_key` never appears in a repr."""

    type: BackendType
    model: str
    base_url: str | None
    api_key: str = field(repr=False)
    api_version: str | None = None

    @property
    def is_local(self) -> bool:
        return self.type.kind == "local"

    @property
    def server(self) -> str:
        """The kind of local server: the type, or what its port tells (BE-041)."""
        if self.type.name in ("vllm", "sglang"):
            return self.type.name
        return {8000: "vllm", 30000: "sglang"}.get(self.port or 0, self.type.name)

    @property
    def port(self) -> int | None:
        """The port that `base_url` names."""
        try:
            return urlsplit(self.base_url or "").port
        except ValueError:
            return None

    @property
    def host(self) -> str:
        """Host name of `base_url`, empty where the provider's library knows the address."""
        return urlsplit(self.base_url or "").hostname or ""


def is_loopback(base_url: str | None) -> bool:
    """Whether the server is on this machine."""
    host = urlsplit(base_url or "").hostname or ""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def resolve_endpoint(options: Options, environ: Lookup = os.environ) -> Endpoint:
    """Read type, model, address and key; raises `ConfigError` saying which variable is missing."""
    name = canonical_type(options.text("type") or "")
    if name is None:
        raise ConfigError(
            f"Unknown backend type: '{options.get('type')}'", hint=f"Use one of: {', '.join(BACKEND_TYPES)}"
        )
    model, base_url = options.text("model") or "", options.text("base_url")
    name, model = _reroute(name, model, base_url)
    entry = backend_type(name)
    model = (options.text("deployment_name") if name == "azure_openai" else None) or model
    model = model or entry.default_model or ""
    if not model and entry.needs_model:
        raise ConfigError("Backend missing required field 'model'", hint="Set backend.model.")
    base_url = base_url or _default_address(entry, options, environ)
    return Endpoint(
        type=entry,
        model=provider_model_id(name, model),
        base_url=base_url,
        api_key=_key(entry, options, base_url, environ),
        api_version=_api_version(entry, options, environ),
    )


def _reroute(name: str, model: str, base_url: str | None) -> tuple[str, str]:
    if name in REROUTED_FROM and not base_url:
        named, rest = split_model(model)
        if named is not None:
            return named, rest
    return name, model


def _default_address(entry: BackendType, options: Options, environ: Lookup) -> str | None:
    from_variable = environ.get(entry.base_url_variable) if entry.base_url_variable else None
    port = options.given("port")
    if entry.kind == "local" and port is not None:
        return f"http://localhost:{port}/v1"
    address = from_variable or entry.base_url
    if address is None and entry.needs_base_url:
        raise ConfigError(
            f"A backend of type '{entry.name}' needs 'base_url'.",
            hint="Give the address of the server, such as https://api.example.com/v1.",
        )
    if address is None and entry.name == "azure_openai":
        raise ConfigError(
            "The address of the Azure resource is missing.",
            hint="Set AZURE_OPENAI_ENDPOINT or backend.base_url, such as https://NAME.openai.azure.com.",
        )
    return address


def _key(entry: BackendType, options: Options, base_url: str | None, environ: Lookup) -> str:
    given = options.text("api_key")
    if given:
        return given
    variables = key_variables(entry.name, base_url)
    for variable in variables:
        if key := environ.get(variable):
            return key
    if not entry.needs_key:
        return KEYLESS
    raise ConfigError(
        f"No API key for {entry.label}: {' or '.join(variables)} is not set.",
        hint=(
            f"Run massgen --setup, or put {variables[0]}=... into ~/.config/massgen/.env, ./.env or the environment."
        ),
    )


def _api_version(entry: BackendType, options: Options, environ: Lookup) -> str | None:
    if entry.name != "azure_openai":
        return None
    return options.text("api_version") or environ.get("AZURE_OPENAI_API_VERSION") or "2024-02-15-preview"
