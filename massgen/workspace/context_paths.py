"""Context paths: what of the user's files a run may see, checked before any model call (WS-050 to WS-062)."""

from __future__ import annotations

import glob
import os
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Literal

from msgspec import Struct
from msgspec.structs import replace

from massgen.errors import WorkspaceError

Permission = Literal["read", "write"]
PROTECTION_NOTICE = "Protected paths are a convenience against accidents, not a security boundary."


class RequestedPath(Struct, frozen=True, kw_only=True):
    """A context path as configured, given by a flag or named in a prompt."""

    path: str
    permission: Permission = "read"
    protected_paths: tuple[str, ...] = ()


class ProtectedPattern(Struct, frozen=True, kw_only=True):
    """A glob below `root`; files that appear later and match are protected too (S-10)."""

    root: Path
    pattern: str

    def covers(self, real: Path) -> bool:
        """Whether `real` or a directory that holds it matches."""
        if not real.is_relative_to(self.root):
            return False
        parts = real.relative_to(self.root).parts
        expression = _expression(self.pattern)
        return any(expression.fullmatch("/".join(parts[: end + 1])) for end in range(len(parts)))


class ContextPath(Struct, frozen=True, kw_only=True):
    """A checked context path; all paths are real. `protected` lies inside `path` (WS-095)."""

    path: Path
    permission: Permission
    protected: tuple[Path, ...] = ()
    patterns: tuple[ProtectedPattern, ...] = ()


class CheckedPaths(Struct, frozen=True, kw_only=True):
    """The context paths of a run and hints for the user."""

    paths: tuple[ContextPath, ...] = ()
    hints: tuple[str, ...] = ()


def check_context_paths(
    requested: Iterable[RequestedPath],
    *,
    launch_directory: Path,
    config_directory: Path | None = None,
    examples_directory: Path | None = None,
    missing_protected_is_error: bool = True,
) -> CheckedPaths:
    """Resolve and merge context paths; the same path given twice gets the higher permission and all protections.

    Raises `WorkspaceError` (exit code 1) for a path that does not exist, a directory form that is a file, and a
    protected path that is not there (with `missing_protected_is_error` False the name is protected and a hint
    given).
    """
    checked: list[ContextPath] = []
    hints: list[str] = []
    for wish in requested:
        path = _locate(wish.path, launch_directory, config_directory, examples_directory, hints)
        context = ContextPath(path=path, permission=wish.permission)
        for entry in wish.protected_paths:
            context = _protect(context, entry, hints, strict=missing_protected_is_error)
        checked.append(context)
    return CheckedPaths(paths=merge_context_paths((), checked), hints=tuple(hints))


def merge_context_paths(known: Sequence[ContextPath], added: Sequence[ContextPath]) -> tuple[ContextPath, ...]:
    """Both lists as one: a permission is only ever raised, protections add up (WS-058, WS-077)."""
    merged: dict[Path, ContextPath] = {}
    for context in (*known, *added):
        before = merged.get(context.path)
        if before is None:
            merged[context.path] = context
            continue
        merged[context.path] = replace(
            before,
            permission="write" if "write" in (before.permission, context.permission) else "read",
            protected=tuple(dict.fromkeys((*before.protected, *context.protected))),
            patterns=tuple(dict.fromkeys((*before.patterns, *context.patterns))),
        )
    return tuple(merged.values())


def launch_directory_request(mode: str, launch_directory: Path) -> RequestedPath:
    """The context path of `--cwd-context {ro,rw,read,write}` (WS-057)."""
    modes: dict[str, Permission] = {"ro": "read", "read": "read", "rw": "write", "write": "write"}
    if mode not in modes:
        raise WorkspaceError(f"Unknown --cwd-context value {mode!r}.", hint="Use ro, rw, read or write.")
    return RequestedPath(path=str(launch_directory), permission=modes[mode])


def _locate(path: str, launch: Path, config: Path | None, examples: Path | None, hints: list[str]) -> Path:
    if not path or "\0" in path:
        raise WorkspaceError(f"Context path {path!r} does not exist")
    if path.startswith("@examples/") and examples is not None:
        expanded = str(examples / path.removeprefix("@examples/"))
    else:
        expanded = os.path.expandvars(os.path.expanduser(path))
    if os.path.isabs(expanded):
        found = Path(expanded)
        if not found.exists():
            raise WorkspaceError(f"Context path '{path}' does not exist")
    else:
        bases = [base for base in (launch, config) if base is not None]
        existing = [base / expanded for base in bases if (base / expanded).exists()]
        if not existing:
            raise WorkspaceError(f"Context path must be absolute, got '{path}'")
        found = existing[0]
        hints.append(f"Context path '{path}' is relative; it means {found}.")
    if path.endswith("/") and not found.is_dir():
        raise WorkspaceError(f"Context path '{path}' is not a directory")
    if not os.access(found, os.R_OK):
        raise WorkspaceError(f"Context path '{path}' cannot be read", hint="Check its permissions.")
    return Path(os.path.realpath(found))


def _protect(context: ContextPath, entry: str, hints: list[str], *, strict: bool) -> ContextPath:
    name = entry.strip().rstrip("/")
    message = f"Protected path '{entry}' not found in context path '{context.path}'"
    if os.path.isabs(name):
        raise WorkspaceError(message, hint="Protected paths are relative to their context path.")
    place = Path(os.path.normpath(context.path / name))
    if not name or not place.is_relative_to(context.path) or place == context.path:
        raise WorkspaceError(message, hint="Name a file or directory inside the context path.")
    if os.path.lexists(place):
        return replace(context, protected=(*context.protected, *_names(place)))
    if glob.has_magic(name):
        pattern = ProtectedPattern(root=context.path, pattern=name)
        matches = [Path(found) for found in glob.glob(str(context.path / name), recursive=True, include_hidden=True)]
        return replace(
            context,
            protected=(*context.protected, *(path for match in matches for path in _names(match))),
            patterns=(*context.patterns, pattern),
        )
    if strict:
        raise WorkspaceError(message)
    hints.append(message)
    return replace(context, protected=(*context.protected, place))


def _names(place: Path) -> tuple[Path, ...]:
    """The name itself and what it leads to, so that neither the link nor its target can be changed."""
    entry = Path(os.path.realpath(place.parent)) / place.name
    real = Path(os.path.realpath(place))
    return (entry,) if entry == real else (entry, real)


def _expression(pattern: str) -> re.Pattern[str]:
    text = re.escape(pattern).replace(r"\*\*/", "(?:.*/)?").replace(r"\*\*", ".*")
    return re.compile(text.replace(r"\*", "[^/]*").replace(r"\?", "[^/]"), re.DOTALL)
