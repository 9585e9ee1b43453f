"""From configuration to a ready backend; providers' libraries are imported only here and below."""

from __future__ import annotations

import os
from collections.abc import Iterable
from importlib import import_module
from pathlib import Path

from massgen.backends.calling import Line
from massgen.backends.endpoint import resolve_endpoint
from massgen.backends.limits import CallLimits, limits_from
from massgen.backends.options import Lookup, Options
from massgen.backends.protocol import ModelBackend
from massgen.backends.resources import SharedResources
from massgen.backends.wires import WIRES, modules_of, spoken_here
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
    if kind == "own":
        from massgen.backends.own import own_backend

        return own_backend(config, options.text("type") or "", agent_id)
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
    """Import the libraries of the backends of `types`. Slow (seconds), safe in a thread; unknown names are skipped.

    A missing library is reported when its backend is created.
    """
    names = {found for name in types if (found := canonical_type(name)) in WIRES}
    _import(module for name in sorted(names) for module in modules_of(name))


def prefetch_backends(sections: Iterable[object], environ: Lookup = os.environ) -> None:
    """Import what the backends that `sections` describe need for their first call, and no more; safe in a thread."""
    types = set()
    for options in map(Options, sections):
        name = canonical_type(options.text("type") or "")
        if name is None or name not in WIRES:
            continue
        if spoken_here(resolve_endpoint(options, environ)):
            _import(("massgen.backends.api", "massgen.backends.chat.call", "httpx2"))
        else:
            types.add(name)
    prefetch(types)


def prefetch_prices() -> None:
    """Import the table of prices, which is first looked at when a call has ended; safe in a thread."""
    _import(("genai_prices",))


def _import(modules: Iterable[str]) -> None:
    found = list(modules)
    for module in (*found, "massgen.backends.api") if found else ():
        try:
            import_module(module)
        except ImportError:
            continue


def _api_backend(options: Options, resources: SharedResources, limits: CallLimits, environ: Lookup) -> ModelBackend:
    endpoint = resolve_endpoint(options, environ)
    from massgen.backends.api import ApiBackend
    from massgen.backends.chat.call import ChatLine
    from massgen.backends.chat.fitness import settings_known
    from massgen.backends.request_settings import request_settings

    settings = request_settings(options, endpoint)
    client = resources.http_client(endpoint.base_url)
    limits = limits_from(options, limits)

    def through_library() -> Line:
        from massgen.backends.library import LibraryLine
        from massgen.backends.wires import build_model

        model = build_model(endpoint, client, settings.body)
        return LibraryLine(model, endpoint=endpoint, settings=settings, limits=limits)

    line: Line
    if spoken_here(endpoint) and settings_known(settings):
        line = ChatLine(client, endpoint=endpoint, settings=settings, limits=limits, otherwise=through_library)
    else:
        line = through_library()
    return ApiBackend(line, endpoint=endpoint, resources=resources, warnings=settings.warnings)
