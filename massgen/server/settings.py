"""What the operator decides about the server: flags, then `MASSGEN_SERVER_*` variables, then defaults (SRV-005)."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from msgspec import Struct, field

from massgen.config.environment import switch
from massgen.errors import ConfigError

PORT = 4000
LOOPBACK = "127.0.0.1"
EVERYWHERE = "0.0.0.0"
LOOPBACK_NAMES = frozenset({"127.0.0.1", "localhost", "::1"})
WILDCARDS = frozenset({EVERYWHERE, "::", ""})


class ServerSettings(Struct, frozen=True, kw_only=True):
    """`key` guards everything but `/health`; `directories` are where `massgen/path:` may point."""

    host: str = LOOPBACK
    port: int = PORT
    config: str | None = None
    key: str | None = None
    select_models: bool = False
    max_concurrent: int = 8
    max_queued: int = 200
    body_bytes: int = 10 * 1024 * 1024
    head_seconds: float = 20.0
    read_seconds: float = 30.0
    write_seconds: float = 60.0
    launch: Path = field(default_factory=Path.cwd)
    directories: tuple[Path, ...] = ()
    origins: tuple[str, ...] = ()
    streaming: bool = True
    debug: bool = False

    @property
    def is_public(self) -> bool:
        """Whether other machines can reach the server."""
        return self.host not in LOOPBACK_NAMES


def settings_from(flags: Mapping[str, object], environ: Mapping[str, str] | None = None) -> ServerSettings:
    """Settings from command-line values (None where not given) and variables. Raises `ConfigError`."""
    variables = os.environ if environ is None else environ
    key = _text(flags.get("api_key")) or variables.get("MASSGEN_SERVER_API_KEY") or None
    host = _text(flags.get("host")) or variables.get("MASSGEN_SERVER_HOST") or (EVERYWHERE if key else LOOPBACK)
    directories = [Path(str(item)).resolve() for item in _items(flags.get("allow_path"))]
    return ServerSettings(
        host=host,
        port=_port(flags.get("port"), variables.get("MASSGEN_SERVER_PORT")),
        config=_text(flags.get("config")) or variables.get("MASSGEN_SERVER_DEFAULT_CONFIG") or None,
        key=key,
        select_models=bool(flags.get("allow_model_select")) or not flags.get("config"),
        max_concurrent=_count(flags.get("max_concurrent"), 8),
        directories=tuple(directories),
        origins=tuple(str(item) for item in _items(flags.get("allow_origin"))),
        streaming=switch(variables, "MASSGEN_SERVER_STREAMING", True) and not flags.get("no_streaming"),
        debug=switch(variables, "MASSGEN_SERVER_DEBUG", False),
    )


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None


def _items(value: object) -> tuple[object, ...]:
    return tuple(value) if isinstance(value, list | tuple) else ()


def _count(value: object, default: int) -> int:
    return value if isinstance(value, int) and value > 0 else default


def _port(flag: object, variable: str | None) -> int:
    if isinstance(flag, int):
        return flag
    if not variable:
        return PORT
    if not variable.isdigit() or not 0 < int(variable) < 65536:
        raise ConfigError(f"MASSGEN_SERVER_PORT must be a port number, not {variable!r}.")
    return int(variable)
