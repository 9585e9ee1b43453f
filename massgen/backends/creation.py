"""From configuration to a ready backend; providers' libraries are imported only here and below."""

from __future__ import annotations

import os
from collections.abc import Iterable
from importlib import import_module
from pathlib import Path

from massgen.backends.endpoint import resolve_endpoint
from massgen.backends.limits import CallLimits, limits_from
from massgen.backends.options import Lookup, Options
from massgen.backends.protocol import ModelBackend
from massgen.backends.resources import SharedResources
from massgen.backends.wires import WIRES, modules_of
from massgen.config.backend_types import BACKEND_TYPES, backend_type, canonical_type
from massgen.errors import ConfigError, NotAvailable


def create_backend(
    config: object,
    *,
    agent_id: str,
    resources: SharedResources,
    limits: CallLimits | None = None,
    environ: Lookup = os.environ,
    directory: Path | None = None,
) -> ModelBackend:
    """The backend that a `backend` section describes; `config` is the validated model or a mapping.

    `limits` are the defaults that the section may override. Relative paths in it (`script`) start at
    `directory`. Raises `ConfigError`: an unknown type, a missing key, model or address; `NotAvailable` for
    types that run somebody else's agent.
    """
    options = Options(config)
    kind = backend_type(checked_type(options.text("type") or "")).kind
    if kind == "simulated":
        from massgen.backends.rehearsal import rehearsed_backend

        return rehearsed_backend(options, agent_id=agent_id, directory=directory)
    if kind in ("agent", "framework"):
        raise NotAvailable(
            f"Agent '{agent_id}': the backend type '{options.text('type')}' is not available yet.",
            hint="Use one of the API types, a local server, or 'simulated' to rehearse.",
        )
    backend = _api_backend(options, resources, limits or CallLimits(), environ)
    if options.flag("text_protocol"):
        from massgen.backends.text_backend import TextProtocolBackend

        return TextProtocolBackend(backend)
    return backend


def checked_type(name: str) -> str:
    """The canonical name of a type; `ConfigError` for an unknown one."""
    found = canonical_type(name)
    if found is None:
        raise ConfigError(f"Unknown backend type: '{name}'", hint=f"Use one of: {', '.join(BACKEND_TYPES)}")
    return found


def check_backend(config: object, *, environ: Lookup = os.environ) -> None:
    """What can be known before the first call, without a provider's library: type, key, model, address.

    Raises `ConfigError` (BE-011).
    """
    options = Options(config)
    name = checked_type(options.text("type") or "")
    if name in WIRES:
        resolve_endpoint(options, environ)


def prefetch(types: Iterable[str]) -> None:
    """Import what the backends of `types` need. Slow (seconds), safe in a thread; unknown names are skipped.

    A missing library is reported when its backend is created.
    """
    names = {found for name in types if (found := canonical_type(name)) in WIRES}
    modules = [module for name in sorted(names) for module in modules_of(name)]
    if not modules:
        return
    for module in (*modules, "massgen.backends.api", "genai_prices"):
        try:
            import_module(module)
        except ImportError:
            continue


def _api_backend(options: Options, resources: SharedResources, limits: CallLimits, environ: Lookup) -> ModelBackend:
    endpoint = resolve_endpoint(options, environ)
    from massgen.backends.request_settings import request_settings
    from massgen.backends.wires import build_model

    settings = request_settings(options, endpoint)
    model = build_model(endpoint, resources.http_client(endpoint.base_url), settings.body)
    from massgen.backends.api import ApiBackend

    return ApiBackend(
        model,
        endpoint=endpoint,
        settings=settings,
        limits=limits_from(options, limits),
        resources=resources,
    )
