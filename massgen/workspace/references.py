"""`@path` references in prompts: which files a person names beside the question (WS-070 to WS-080).

Finding references is pure text work given a test for existence; `parse_prompt_for_context` adds the file system.
"""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

from msgspec import Struct

from massgen.errors import WorkspaceError
from massgen.workspace.context_paths import ContextPath, Permission, RequestedPath

_START = re.compile(
    r"""
    (?P<escaped>\\@)
    | (?<![^\s(\[{<"'`])@                     # at the start, or after white space, a bracket or a quote
      (?: "(?P<double>[^"\n]+)" | '(?P<single>[^'\n]+)' | (?P<bare>[^\s"'`]+) )
    """,
    re.VERBOSE,
)
_WRITE = ":w"
_TRAILING = ".,;:)?!]}>"
_SUGGEST_FROM = 3


class Reference(Struct, frozen=True, kw_only=True):
    """One reference as written: `path` without `@`, quotes and `:w`; `start` and `end` in the prompt."""

    path: str
    permission: Permission
    start: int
    end: int


class PromptContext(Struct, frozen=True, kw_only=True):
    """A prompt without its references. Each of `context_paths` is `{"path": absolute, "permission": ...}`."""

    context_paths: list[dict[str, str]]
    cleaned_prompt: str
    suggestions: tuple[str, ...] = ()

    @property
    def requested(self) -> tuple[RequestedPath, ...]:
        """The same paths as input for `check_context_paths`."""
        return tuple(
            RequestedPath(path=item["path"], permission="write" if item["permission"] == "write" else "read")
            for item in self.context_paths
        )


def find_references(prompt: str, exists: Callable[[str], bool]) -> list[Reference]:
    """The references of a prompt, in order. `exists` decides whether trailing punctuation belongs to a path."""
    found: list[Reference] = []
    for match in _START.finditer(prompt):
        if match["escaped"]:
            continue
        start = match.start()
        quoted = match["double"] or match["single"]
        if quoted:
            marked = prompt.startswith(_WRITE, match.end())
            end = match.end() + (len(_WRITE) if marked else 0)
            found.append(Reference(path=quoted, permission="write" if marked else "read", start=start, end=end))
            continue
        path, permission, length = _bare(match["bare"], exists)
        if path:
            found.append(Reference(path=path, permission=permission, start=start, end=start + 1 + length))
    return found


def clean_prompt(prompt: str, references: Sequence[Reference]) -> str:
    """The prompt without references, the blanks around them collapsed, `\\@` turned into `@`."""
    text = ""
    position = 0
    for reference in references:
        text += prompt[position : reference.start]
        position = reference.end
        following = prompt[position : position + 1]
        if text.endswith((" ", "\t")) and (not following or following.isspace()):
            text = text.rstrip(" \t")
    text += prompt[position:]
    return text.replace("\\@", "@").strip()


def parse_prompt_for_context(prompt: str, *, launch_directory: Path | None = None) -> PromptContext:
    """Find the references of `prompt` and resolve them against the launch directory (WS-072, WS-079).

    A reference that does not exist raises `WorkspaceError` that names it (WS-071). The same path named twice
    gets the higher permission.
    """
    base = launch_directory or Path.cwd()
    references = find_references(prompt, lambda path: os.path.exists(_absolute(path, base)))
    permissions: dict[str, str] = {}
    for reference in references:
        path = _absolute(reference.path, base)
        if not os.path.exists(path):
            raise WorkspaceError(
                f"Context path '{reference.path}' does not exist",
                hint=f"It was named as @{reference.path}; write \\@ for a plain @.",
            )
        if reference.path.endswith("/") and not os.path.isdir(path):
            raise WorkspaceError(f"Context path '{reference.path}' is not a directory")
        if permissions.get(path) != "write":
            permissions[path] = reference.permission
    return PromptContext(
        context_paths=[{"path": path, "permission": permission} for path, permission in permissions.items()],
        cleaned_prompt=clean_prompt(prompt, references),
        suggestions=parent_suggestions(list(permissions)),
    )


def parent_suggestions(paths: Sequence[str]) -> tuple[str, ...]:
    """One hint for each directory of which three or more files are referenced (WS-073)."""
    parents = Counter(os.path.dirname(path) for path in paths if not os.path.isdir(path))
    return tuple(
        f"{count} files of one directory are referenced; consider @{parent}/ instead."
        for parent, count in parents.items()
        if count >= _SUGGEST_FROM
    )


def complete_reference(written: str, launch_directory: Path, *, limit: int = 50) -> list[str]:
    """Completions of what stands after `@` (WS-075): paths in the form the person began, directories with `/`."""
    head, _, tail = written.rpartition("/")
    prefix = f"{head}/" if "/" in written else ""
    directory = _absolute(prefix or ".", launch_directory)
    try:
        with os.scandir(directory) as entries:
            found = [
                f"{prefix}{entry.name}{'/' if entry.is_dir() else ''}"
                for entry in entries
                if entry.name.startswith(tail) and (tail.startswith(".") or not entry.name.startswith("."))
            ]
    except OSError:
        return []
    return sorted(found)[:limit]


def references_notice(paths: Sequence[ContextPath]) -> str:
    """What a session prints before it updates the agents (WS-076)."""
    lines = ["📂 Context paths from prompt:"]
    lines += [f"   {'📝' if item.permission == 'write' else '📖'} {item.path} ({item.permission})" for item in paths]
    return "\n".join([*lines, "🔄 Updating agents with new context paths..."])


def _bare(token: str, exists: Callable[[str], bool]) -> tuple[str, Permission, int]:
    """The longest existing path at the start of `token`, else what remains without trailing punctuation."""
    length = len(token)
    while length > 0:
        path, permission = _without_mark(token[:length])
        if path and exists(path):
            return path, permission, length
        if token[length - 1] not in _TRAILING:
            break
        length -= 1
    path, permission = _without_mark(token[:length])
    return path, permission, length


def _without_mark(text: str) -> tuple[str, Permission]:
    if text.endswith(_WRITE) and len(text) > len(_WRITE):
        return text.removesuffix(_WRITE), "write"
    return text, "read"


def _absolute(path: str, base: Path) -> str:
    return os.path.normpath(os.path.join(base, os.path.expanduser(path)))
