"""Values that must never be shown, and the mask for them (EXEC-056, CFG-017)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from msgspec import Struct

from massgen.config.backend_types import BACKEND_TYPES
from massgen.config.environment import Environment

MASK = "[redacted]"
SHORTEST = 8
"""Shorter values are no secrets worth the harm that masking a common word does."""

_ENDINGS = ("KEY", "TOKEN", "SECRET", "PASSWORD", "PASSWD", "CREDENTIALS", "CREDENTIAL")
_NO_SECRETS = frozenset({"EMPTY", "none", "null", "localhost"})


def is_secret_name(name: str) -> bool:
    """Whether a variable or key of this name holds a secret."""
    return name.upper().endswith(_ENDINGS)


def secret_values(values: Mapping[str, Any], environment: Environment) -> frozenset[str]:
    """The secrets a run knows: keys in the configuration, secret variables, entries of key files.

    `values` are the plain values of the configuration after substitution.
    """
    names = {name for entry in BACKEND_TYPES.values() for name in entry.key_variables}
    found = [value for name, value in environment.process.items() if name in names or is_secret_name(name)]
    found += [
        value
        for _, entries in environment.files
        for name, value in entries.items()
        if name in names or is_secret_name(name) or looks_secret(value)
    ]
    found += _configured(values)
    return frozenset(value.strip() for value in found if worth_masking(value))


def worth_masking(value: str) -> bool:
    """Whether masking `value` hides a secret rather than a word."""
    text = value.strip()
    return len(text) >= SHORTEST and text not in _NO_SECRETS and "${" not in text


def looks_secret(value: str) -> bool:
    """An entry of a `.env` file or of a server's `env` that is neither a switch, a number, a path nor an address
    (one that holds a password is a secret)."""
    return not re.fullmatch(r"[a-z]+|[\d.]+|(https?://(?![^/]*@)|[/.~]).*", value.strip(), re.IGNORECASE)


def _configured(value: Any, key: str = "") -> Iterator[str]:
    match value:
        case dict():
            for name, item in value.items():
                yield from _configured(item, name)
        case list() | tuple():
            for item in value:
                yield from _configured(item, key)
        case str() if is_secret_name(key) or key.lower() == "authorization":
            yield value.removeprefix("Bearer ")
        case _:
            return


class Redactor(Struct, frozen=True, kw_only=True):
    """Masks known secrets in text and in plain values."""

    pattern: re.Pattern[str] | None

    @classmethod
    def of(cls, secrets: Iterable[str]) -> Redactor:
        """A redactor of these values; longer ones first, so that no rest of a secret is left."""
        ordered = sorted({value for value in secrets if worth_masking(value)}, key=lambda text: (-len(text), text))
        return cls(pattern=re.compile("|".join(map(re.escape, ordered))) if ordered else None)

    @classmethod
    def for_run(cls, values: Mapping[str, Any], environment: Environment) -> Redactor:
        """The redactor of one run."""
        return cls.of(secret_values(values, environment))

    def text(self, text: str) -> str:
        """`text` without secrets."""
        return self.pattern.sub(MASK, text) if self.pattern else text

    def value(self, value: Any) -> Any:
        """Plain maps and lists without secrets; values below secret names are masked whatever they are."""
        match value:
            case dict():
                return {self.text(name): self._entry(name, item) for name, item in value.items()}
            case list() | tuple():
                return [self.value(item) for item in value]
            case str():
                return self.text(value)
            case _:
                return value

    def _entry(self, name: str, item: Any) -> Any:
        if name == "env" and isinstance(item, dict):
            return {key: self._passed_on(key, value) for key, value in item.items()}
        hidden = isinstance(item, str) and item and item not in _NO_SECRETS and "${" not in item
        return MASK if hidden and is_secret_name(name) else self.value(item)

    def _passed_on(self, name: str, item: Any) -> Any:
        """What a server's environment is given (MCP-065): its names tell less than those of keys."""
        passed = isinstance(item, str) and worth_masking(item) and looks_secret(item)
        return MASK if passed else self._entry(name, item)
