"""Reading a backend's configuration, whether it is the validated model or a plain mapping."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

OWN_KEYS = frozenset({"pace", "text_protocol"})
"""Keys of ours that no provider may see although the documented tree does not name them."""

_MISSING = object()


class Lookup(Protocol):
    """Where key variables are looked up: `os.environ`, or the environment with its `.env` files."""

    def get(self, name: str, /) -> str | None: ...


class Options:
    """The keys of one `backend` section: known ones by name, unknown ones as `extras` (CFG-043)."""

    def __init__(self, source: object) -> None:
        self._source = source

    def get(self, name: str) -> Any:
        """The value of `name`, or None; nested sections come as plain mappings."""
        value = _read(self._source, name)
        if value is _MISSING:
            value = self._unknown().get(name)
        return _plain(value)

    def given(self, name: str) -> Any:
        """The value of `name` where the configuration sets it, None where it is only a default."""
        if isinstance(self._source, Mapping):
            return self.get(name)
        chosen = getattr(self._source, "model_fields_set", frozenset())
        return self.get(name) if name in chosen else None

    def text(self, name: str) -> str | None:
        value = self.get(name)
        return value if isinstance(value, str) and value else None

    def number(self, name: str) -> float | None:
        value = self.get(name)
        return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None

    def flag(self, name: str) -> bool:
        return self.get(name) is True

    def section(self, name: str) -> Mapping[str, Any]:
        """A nested map without its empty entries; {} where there is none."""
        value = self.get(name)
        if not isinstance(value, Mapping):
            return {}
        return {key: item for key, item in value.items() if item is not None}

    def extras(self) -> dict[str, Any]:
        """Keys that the documented tree does not know, to be sent to the provider as they are."""
        return {name: value for name, value in self._unknown().items() if name not in OWN_KEYS}

    def _unknown(self) -> Mapping[str, Any]:
        if isinstance(self._source, Mapping):
            from massgen.config.schema.backend import BackendConfig

            known = BackendConfig.model_fields
            return {name: value for name, value in self._source.items() if name not in known}
        return getattr(self._source, "model_extra", None) or {}


def _read(source: object, name: str) -> Any:
    if isinstance(source, Mapping):
        return source.get(name, _MISSING)
    return getattr(source, name, _MISSING)


def _plain(value: Any) -> Any:
    if value is _MISSING:
        return None
    dump = getattr(value, "model_dump", None)
    return dump(exclude_none=True) if dump is not None else value
