"""What an agent may touch in one phase, as a value: file tools obey it and sandboxes are built from it."""

from __future__ import annotations

from pathlib import Path
from typing import Literal, Protocol

from msgspec import Struct

from massgen.errors import MassGenError

Access = Literal["read", "write"]


class Grants(Struct, frozen=True, kw_only=True):
    """All paths are absolute and real (no symlinks). The deepest of `writable` and `readable` that contains a path
    decides (WS-062).

    `writable` may be read and written, `readable` only read. `protected` lies inside writable trees and stays
    read-only (WS-095). `denied` is subtracted from everything: `.massgen`, key files, the team file, other
    agents' workspaces; a deeper grant inside a denied tree (an agent's own workspace below `.massgen`) wins over it.
    """

    writable: tuple[Path, ...] = ()
    readable: tuple[Path, ...] = ()
    protected: tuple[Path, ...] = ()
    denied: tuple[Path, ...] = ()


class PathRefused(MassGenError):
    """A path is outside of what the agent may touch; the message tells the model what is allowed."""


class PathPolicy(Protocol):
    """Decides about paths that an agent names.

    `resolve` takes the path as the agent wrote it (relative to its workspace) and returns the real one, or
    raises `PathRefused`; `resolve_entry` takes a link at its end as itself. `grants` is the value that sandboxes
    are built from.
    """

    @property
    def workspace(self) -> Path: ...

    @property
    def grants(self) -> Grants: ...

    def resolve(self, path: str, access: Access) -> Path: ...

    def resolve_entry(self, path: str, access: Access) -> Path: ...
