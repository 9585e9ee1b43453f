"""Deleting what the agent knows (WS-114, WS-130 to WS-133)."""

from __future__ import annotations

from pathlib import Path

from massgen.errors import MassGenError
from massgen.tools.files.copying import report
from massgen.tools.files.reading import entries_below, printable
from massgen.tools.files.search import fits
from massgen.tools.files.tool import FileCall, FileToolError, reason_of
from massgen.workspace.beneath import remove, walk

MAX_DELETE_FILES = 20_000


def delete_file(call: FileCall) -> str:
    """Delete one file, link or directory; what lies in a directory must be known file by file."""
    path = call.text("path")
    real = call.policy.resolve_entry(path, "write")
    call.policy.check_removal(real, shown=path)
    if real.is_symlink():
        remove(call.policy, path)
        return "Success: Link deleted"
    if not real.is_dir():
        real.stat()
        call.tracker.check_delete(real, shown=path)
        remove(call.policy, path)
        call.tracker.track_delete(real)
        return "Success: File deleted"
    recursive = call.flag("recursive")
    if recursive:
        _check_contents(call, real, path)
    remove(call.policy, path, recursive=recursive)
    call.tracker.track_delete(real)
    return "Success: Directory deleted"


def delete_files_batch(call: FileCall) -> str:
    """Delete the files below a directory that fit the globs; each is decided on its own (WS-133)."""
    include = call.texts("include_patterns")
    if not include:
        raise FileToolError("include_patterns is empty; name what to delete, such as *.tmp")
    base = call.policy.resolve(call.text("base_path") or ".", "write")
    exclude = call.texts("exclude_patterns")
    deleted: list[str] = []
    refused: list[str] = []
    unopened: list[Path] = []
    for entry in entries_below(call, str(base), MAX_DELETE_FILES, unopened):
        relative = entry.path.relative_to(base)
        shown = printable(str(relative))
        if entry.kind == "directory" or not fits(relative, include) or fits(relative, exclude):
            continue
        call.check_stop()
        try:
            if entry.kind == "file":
                call.policy.check_removal(entry.path, shown=shown)
                call.tracker.check_delete(entry.path, shown=shown)
            remove(call.policy, str(entry.path))
            call.tracker.track_delete(entry.path)
            deleted.append(shown)
        except MassGenError as error:
            refused.append(f"{shown}: {error.message}")
        except OSError as error:
            refused.append(f"{shown}: {reason_of(error)}")
    refused += [f"{printable(str(path.relative_to(base)))}/: it cannot be opened" for path in unopened]
    return report("Deleted", deleted, refused)


def _check_contents(call: FileCall, real: Path, shown: str) -> None:
    files: list[Path] = []
    unopened: list[Path] = []
    seen = 0
    for entry in walk(call.policy, str(real), limit=MAX_DELETE_FILES + 1, unopened=unopened):
        call.check_stop()
        seen += 1
        if entry.kind == "file":
            files.append(entry.path)
    if seen > MAX_DELETE_FILES:
        raise FileToolError(f"{shown} holds more than {MAX_DELETE_FILES} entries; delete parts of it")
    if unopened:
        name = printable(str(unopened[0].relative_to(real)))
        raise FileToolError(f"Cannot delete {shown} - what {name} in it holds cannot be looked at")
    call.tracker.check_delete_all(files, real, shown=shown)
