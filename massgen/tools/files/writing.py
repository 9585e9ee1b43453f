"""Making, changing and moving files and directories (WS-110, WS-111)."""

from __future__ import annotations

import difflib
import os

from massgen.tools.files.texts import whole_text
from massgen.tools.files.tool import FileCall, FileToolError
from massgen.workspace.beneath import make_directory, rename, replace_file

MAX_DIFF_CHARACTERS = 20_000


def write_file(call: FileCall) -> str:
    """Create or replace a whole file."""
    path, content = call.text("path"), call.text("content")
    existed = os.path.exists(os.path.join(call.policy.workspace, path))  # told only if the policy agrees
    real = replace_file(call.policy, path, content.encode())
    call.tracker.track_write(real, created=not existed)
    lines = content.count("\n") + (1 if content and not content.endswith("\n") else 0)
    return f"Success: {'Replaced' if existed else 'Created'} {call.shown(real)} ({lines} lines)"


def edit_file(call: FileCall) -> str:
    """Replace texts that occur exactly once, all or none of them; the answer is the difference."""
    path = call.text("path")
    call.policy.resolve(path, "write")
    before = whole_text(call, path)
    crlf = "\r\n" in before and "\n" not in before.replace("\r\n", "")
    text = before.replace("\r\n", "\n") if crlf else before
    edits = call.arguments.get("edits")
    for number, edit in enumerate(edits if isinstance(edits, list) else (), 1):
        text = _edited(text, edit, number, path)
    after = text.replace("\n", "\r\n") if crlf else text
    if after == before:
        raise FileToolError(f"The edits do not change {path}")
    difference = unified(before, after, path, path)
    if call.flag("dryRun"):
        return difference
    real = replace_file(call.policy, path, after.encode())
    call.tracker.track_write(real, created=False)
    return f"Success: Edited {call.shown(real)}\n{difference}"


def create_directory(call: FileCall) -> str:
    """Make a directory with its parents."""
    real = make_directory(call.policy, call.text("path"))
    return f"Success: Directory {call.shown(real)} exists"


def move_file(call: FileCall) -> str:
    """Move or rename; an existing destination is not replaced."""
    source, destination = call.text("source"), call.text("destination")
    old, new = call.policy.resolve_entry(source, "write"), call.policy.resolve_entry(destination, "write")
    if new == old:
        raise FileToolError(f"{source} is there already; nothing was moved")
    if new.is_relative_to(old):
        raise FileToolError(f"Cannot move {source} into itself; name a destination outside of it")
    if new.is_dir():
        whole = call.shown(new / old.name)
        raise FileToolError(f"Cannot move {source} to {destination} - it is a directory; name all of it: {whole}")
    if not new.parent.is_dir():
        make_directory(call.policy, str(new.parent))
    old, new = rename(call.policy, source, destination)
    call.tracker.track_move(old, new)
    return f"Success: Moved {call.shown(old)} to {call.shown(new)}"


def unified(before: str, after: str, old_name: str, new_name: str) -> str:
    """A unified diff, cut where it is very long."""
    lines = difflib.unified_diff(before.splitlines(), after.splitlines(), old_name, new_name, lineterm="")
    text = "\n".join(lines)
    if len(text) > MAX_DIFF_CHARACTERS:
        return text[:MAX_DIFF_CHARACTERS] + "\n[the difference goes on]"
    return text


def _edited(text: str, edit: object, number: int, path: str) -> str:
    old = edit.get("oldText") if isinstance(edit, dict) else None
    new = edit.get("newText") if isinstance(edit, dict) else None
    if not isinstance(old, str) or not isinstance(new, str) or not old:
        raise FileToolError(f"Edit {number} needs a non-empty oldText and a newText")
    count = text.count(old)
    if count == 0:
        old, new = old.replace("\r\n", "\n"), new.replace("\r\n", "\n")
        count = text.count(old)
    if count == 0:
        raise FileToolError(f"Edit {number}: its oldText is not in {path}; read the file and copy it exactly")
    if count > 1:
        raise FileToolError(f"Edit {number}: its oldText is {count} times in {path}; add lines around it")
    return text.replace(old, new, 1)
