"""Traces through Logfire, an optional package (LOG-110 to LOG-113). Whatever goes wrong here never stops a run."""

from __future__ import annotations

import contextlib
import logging
import os
import sys
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

from massgen.config.environment import switch
from massgen.errors import ConfigError

__all__ = ["configure_observability", "observability_enabled", "observability_wanted"]

NOT_INSTALLED = "⚠️ Logfire not installed. Install with: pip install massgen[observability]"
NOT_AUTHENTICATED = "Logfire requires authentication. Run 'logfire auth' to authenticate"
_enabled = False


def observability_wanted(flag: bool = False) -> bool:
    """Whether `--logfire` or `MASSGEN_LOGFIRE_ENABLED` asks for traces; a word that is no answer is said once."""
    try:
        return flag or switch(os.environ, "MASSGEN_LOGFIRE_ENABLED", False)
    except ConfigError as error:
        _say_once(f"⚠️ No traces: {error.message}")
        return False


def observability_enabled() -> bool:
    """Whether `configure_observability` has succeeded in this process."""
    return _enabled


def configure_observability(
    enabled: bool | None = None, service_name: str | None = None, environment: str | None = None
) -> bool:
    """Send traces to Logfire from now on; says whether that works. `enabled` None asks the environment.

    `service_name` beats LOGFIRE_SERVICE_NAME (default: massgen), `environment` LOGFIRE_ENVIRONMENT. What is missing
    is said in one line on standard error.
    """
    global _enabled
    if not (observability_wanted() if enabled is None else enabled):
        _enabled = False
        return False
    try:
        logfire = import_module("logfire")
    except ImportError:
        return _refuse(NOT_INSTALLED)
    except Exception as error:  # noqa: BLE001 - an installation that is broken ends no run (LOG-111)
        return _refuse(f"⚠️ Logfire could not be started: {error}")
    if not _has_credentials():
        return _refuse(NOT_AUTHENTICATED)
    name = service_name or os.environ.get("LOGFIRE_SERVICE_NAME") or "massgen"
    stage = environment or os.environ.get("LOGFIRE_ENVIRONMENT") or None
    try:
        logfire.configure(service_name=name, environment=stage, console=False, send_to_logfire="if-token-present")
        _forward_logging(logfire)
        _instrument_gemini(logfire)
    except Exception as error:  # noqa: BLE001 - a foreign package, its network and files (LOG-111)
        return _refuse(f"⚠️ Logfire could not be started: {error}")
    _enabled = True
    return True


def _refuse(text: str) -> bool:
    global _enabled
    _enabled = False
    _say(text)
    return False


@cache
def _say_once(text: str) -> None:
    _say(text)


def _say(text: str) -> None:
    with contextlib.suppress(OSError, ValueError):
        print(text.encode(sys.stderr.encoding or "ascii", "replace").decode(), file=sys.stderr)


def _has_credentials() -> bool:
    """A token, or what `logfire auth` and `logfire projects use` leave behind."""
    if os.environ.get("LOGFIRE_TOKEN", "").strip():
        return True
    home = os.environ.get("HOME") or os.environ.get("USERPROFILE")
    places = [Path(".logfire")] + ([Path(home) / ".logfire"] if home else [])
    return any(
        (place / name).is_file() for place in places for name in ("credentials.json", "logfire_credentials.json")
    )


def _forward_logging(logfire: Any) -> None:
    """The program's own log records go with the traces."""
    make = getattr(logfire, "LogfireLoggingHandler", None)
    logger = logging.getLogger("massgen")
    if make is not None and not any(type(handler) is make for handler in logger.handlers):
        logger.addHandler(make())


def _instrument_gemini(logfire: Any) -> None:
    """Prompts and completions of Gemini, where the environment allows it; the library masks them otherwise."""
    instrument = getattr(logfire, "instrument_google_genai", None)
    if instrument is not None:
        with contextlib.suppress(ImportError, RuntimeError):
            instrument()
