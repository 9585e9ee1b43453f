"""What a program gets for a mistake before the first model call (API-015)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from massgen.errors import ConfigError, ConfigurationError


@contextmanager
def configuration_errors() -> Iterator[None]:
    """Every `ConfigError` leaves as a `ConfigurationError`, which is also a `ValueError`."""
    try:
        yield
    except ConfigurationError:
        raise
    except ConfigError as error:
        raise ConfigurationError(error.message, hint=error.hint) from error
