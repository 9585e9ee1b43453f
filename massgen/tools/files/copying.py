"""Copying files and directories within what the policy allows (WS-113)."""

from __future__ import annotations

import os
from pathlib import Path

from massgen.errors import MassGenError
from massgen.tools.files.reading import entries_below, printable
from massgen.tools.files.search import fits
from massgen.tools.files.tool import FileCall, FileToolError, reason_of
from massgen.workspace.beneath import entry_of, make_directory, open_file, replace_file

MAX_COPY_BYTES = 500_000_000
MAX_COPY_FILES = 20_000
_SHOWN = 50


def copy_file(call: FileCall) -> str:
    """Copy one file, or a directory with all below it."""
    source, destination = call.text("source_path"), call.text("destination_path")
    entry = entry_of(call.policy, source)
    target = call.policy.resolve(destination, "write")
    if entry.kind == "file":
        if target.is_dir():
            target = target / entry.name
        if target == entry.path:
            raise FileToolError(f"Cannot copy {source} onto itself; name another destination")
        copied = _copy_one(call, entry.path, target)
        return f"Success: Copied to {call.shown(target)} ({copied} bytes)"
    # The agent's own workspace may lie within the project that it copies, where no listing shows it.
    own = call.policy.is_private(target) and not call.policy.is_private(entry.path)
    if target == entry.path or (target.is_relative_to(entry.path) and not own):
        raise FileToolError(f"Cannot copy {source} into itself")
    make_directory(call.policy, str(target))
    return _copy_tree(call, entry.path, target, (), ())


def copy_files_batch(call: FileCall) -> str:
    """Copy the files below a directory that fit the globs, keeping their places."""
    source = call.policy.resolve(call.text("source_base_path"), "read")
    target = call.policy.resolve(call.text("destination_base_path") or ".", "write")
    if target == source:
        raise FileToolError(f"Cannot copy {call.text('source_base_path')} onto itself; name another destination")
    include = call.texts("include_patterns") or ("*",)
    return _copy_tree(call, source, target, include, call.texts("exclude_patterns"))


def _copy_tree(call: FileCall, source: Path, target: Path, include: tuple[str, ...], exclude: tuple[str, ...]) -> str:
    copied: list[str] = []
    left: list[str] = []
    total = 0
    unopened: list[Path] = []
    for entry in entries_below(call, str(source), MAX_COPY_FILES, unopened):
        relative = entry.path.relative_to(source)
        shown = printable(str(relative))
        if entry.path == target or entry.path.is_relative_to(target):
            continue
        if entry.kind == "directory":
            if not include and entry.path not in unopened:
                make_directory(call.policy, str(target / relative))
            continue
        if (include and not fits(relative, include)) or fits(relative, exclude):
            continue
        if entry.kind != "file":
            left.append(f"{shown}: a {entry.kind}, not copied")
            continue
        total += entry.size
        if total > MAX_COPY_BYTES:
            left.append(f"{shown} and what follows: more than {MAX_COPY_BYTES // 1_000_000} MB in one call")
            break
        try:
            _copy_one(call, entry.path, target / relative)
            copied.append(shown)
        except (MassGenError, OSError) as error:
            left.append(f"{shown}: {error.message if isinstance(error, MassGenError) else reason_of(error)}")
    left += [f"{printable(str(path.relative_to(source)))}/: it cannot be opened" for path in unopened]
    return report("Copied", copied, left)


def report(verb: str, done: list[str], left: list[str]) -> str:
    """What a batch did and did not do; raises where it did nothing but refuse."""
    lines = [f"{verb} {len(done)} file(s)" + (":" if done else "")]
    lines += [f"- {name}" for name in done[:_SHOWN]]
    if len(done) > _SHOWN:
        lines.append(f"- and {len(done) - _SHOWN} more")
    if left:
        lines.append(f"Not done ({len(left)}):")
        lines += [f"- {reason}" for reason in left[:_SHOWN]]
        if len(left) > _SHOWN:
            lines.append(f"- and {len(left) - _SHOWN} more")
    text = "\n".join(lines)
    if left and not done:
        raise FileToolError(text)
    return f"Success: {text}"


def _copy_one(call: FileCall, source: Path, target: Path) -> int:
    call.check_stop()
    with os.fdopen(open_file(call.policy, str(source), "read"), "rb") as stream:
        executable = os.fstat(stream.fileno()).st_mode & 0o111
        content = stream.read(MAX_COPY_BYTES + 1)
    if len(content) > MAX_COPY_BYTES:
        raise FileToolError(f"{call.shown(source)} is larger than {MAX_COPY_BYTES // 1_000_000} MB")
    existed = call.policy.resolve(str(target), "write").exists()
    real = replace_file(call.policy, str(target), content)
    if executable:
        descriptor = open_file(call.policy, str(real), "write")
        try:
            os.fchmod(descriptor, os.fstat(descriptor).st_mode & 0o777 | 0o111 & executable)
        finally:
            os.close(descriptor)
    call.tracker.track_write(real, created=not existed)
    return len(content)
