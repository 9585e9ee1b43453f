"""Grants turned into an ordered list of places: what a command sees, read or write, and what is hidden."""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import Literal

from msgspec import Struct

from massgen.workspace.grants import Grants

Mode = Literal["write", "read", "hide"]

SYSTEM = ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32", "/etc", "/opt", "/nix/store")


class Place(Struct, frozen=True, kw_only=True):
    """One path and what a command may do there; later places lie inside earlier ones and win."""

    path: Path
    mode: Mode


def places(grants: Grants) -> tuple[Place, ...]:
    """The grants as places, outer ones first. At one path `denied` wins over `protected` over the grants.

    Directories between a writable tree and a protected or denied path inside it become places of their own:
    where a place is a mount point it cannot be renamed, so the protected path keeps its name (WS-095).
    """
    modes: dict[Path, Mode] = dict.fromkeys(grants.readable, "read")
    modes |= dict.fromkeys(grants.writable, "write")
    modes |= dict.fromkeys(grants.protected, "read")
    modes |= dict.fromkeys(grants.denied, "hide")
    for inner in (*grants.protected, *grants.denied):
        for parent in inner.parents:
            if parent in modes:
                break
            if _nearest_mode(parent, modes) == "write":
                modes[parent] = "write"
    existing = [Place(path=path, mode=mode) for path, mode in modes.items() if path.exists()]
    return tuple(sorted(existing, key=lambda place: (len(place.path.parts), str(place.path))))


def _nearest_mode(path: Path, modes: dict[Path, Mode]) -> Mode | None:
    return next((modes[parent] for parent in path.parents if parent in modes), None)


def expand(root: Path, holes: Iterable[Path]) -> Iterator[Path]:
    """`root` as a list of paths that together leave out `holes`: for rules that only add (Landlock)."""
    inside = [hole for hole in holes if hole == root or hole.is_relative_to(root)]
    if not inside:
        yield root
        return
    if root in inside or not root.is_dir() or root.is_symlink():
        return
    for child in sorted(root.iterdir()):
        yield from expand(child, inside)


@cache
def private_system_files() -> tuple[Path, ...]:
    """What lies in `/etc` and not everybody may read: password hashes, host keys and the like."""
    found: list[Path] = []
    for directory, names, files in os.walk("/etc"):
        for name in [*names, *files]:
            path = Path(directory, name)
            mode = path.lstat().st_mode
            closed = not mode & (stat.S_IXOTH if stat.S_ISDIR(mode) else stat.S_IROTH)
            if closed and not stat.S_ISLNK(mode):
                found.append(path)
                if name in names:
                    names.remove(name)
    return tuple(found)


def package_roots() -> list[str]:
    """Where Python looks for this package if it is not installed among the others (a checkout): to import
    it the directory must be listed, which `tool_paths` does not allow."""
    root = Path(__file__).resolve().parents[3]
    return [] if any(root.is_relative_to(prefix) for prefix in (sys.prefix, sys.base_prefix)) else [str(root)]


def tool_paths(search_path: str) -> tuple[Path, ...]:
    """Interpreters and tools outside the system directories: this Python, this package, and `PATH`.

    Of a `PATH` entry `X/bin` also `X/lib`, `X/libexec`, `X/include` are given, never `X`: it may be a home.
    """
    package = Path(__file__).resolve().parents[2]
    found = [package]
    for prefix in {sys.prefix, sys.base_prefix}:
        for name in ("bin", "lib", "lib64", "include", "share", "pyvenv.cfg"):
            found.append(Path(prefix) / name)
    for entry in search_path.split(os.pathsep):
        directory = Path(entry)
        if not directory.is_absolute() or directory == Path("/"):
            continue
        found.append(directory)
        if directory.name == "bin":
            found += [directory.parent / name for name in ("lib", "libexec", "include")]
    system = tuple(Path(name) for name in SYSTEM)
    outside = {
        path for path in found if path.exists() and not any(path.resolve().is_relative_to(root) for root in system)
    }
    home = Path(os.environ.get("HOME", "/nonexistent"))
    outside = {path for path in outside if not home.is_relative_to(path)}
    return tuple(sorted(outside, key=lambda path: (len(path.parts), str(path))))
