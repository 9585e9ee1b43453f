"""Backend types that a program brings along (IOP-019)."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from massgen.backends.protocol import ModelBackend
from massgen.config.backend_types import BACKEND_TYPES, BackendType, canonical_type
from massgen.config.capabilities import CAPABILITIES, Capabilities

Factory = Callable[[dict[str, Any], str], ModelBackend]
"""Called for each agent with its `backend` section and its id; a class is one."""

_NAME = re.compile(r"[a-z][a-z0-9_]*")
_FACTORIES: dict[str, Factory] = {}


def register_backend(name: str, factory: Factory, *, label: str | None = None) -> None:
    """Let `backend.type: NAME` mean `factory` from now on, in this process; `label` is what people read.

    `factory(section, agent_id)` gives a `massgen.backends.protocol.ModelBackend`. Raises ValueError for a name that
    is none or belongs to a type of the program.
    """
    if not _NAME.fullmatch(name):
        raise ValueError(f"{name!r} is no backend type: use small letters, digits and '_', a letter first")
    if canonical_type(name) is not None and name not in _FACTORIES:
        raise ValueError(f"{name!r} is a backend type of MassGen: choose another name")
    _FACTORIES[name] = factory
    BACKEND_TYPES[name] = BackendType(name=name, kind="own", label=label or name, needs_model=False)
    CAPABILITIES[name] = Capabilities()


def own_backend(config: object, name: str, agent_id: str) -> ModelBackend:
    """What the factory of the registered type `name` makes of a `backend` section."""
    return _FACTORIES[name](_section(config), agent_id)


def _section(config: object) -> dict[str, Any]:
    if isinstance(config, Mapping):
        return dict(config)
    dump = getattr(config, "model_dump", None)
    return dump(exclude_unset=True, exclude_defaults=True) if dump is not None else {}
