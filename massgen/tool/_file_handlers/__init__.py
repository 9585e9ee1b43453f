"""Reading and writing text files, as building blocks for tools (TOOL-072 to TOOL-076)."""

from __future__ import annotations

import asyncio
from pathlib import Path

from massgen.tool._context import current_call
from massgen.tool._result import ExecutionResult, TextContent

MAX_FILE_BYTES = 10_000_000


async def read_file_content(
    file_path: str, start_line: int | None = None, end_line: int | None = None
) -> ExecutionResult:
    """Read a text file, whole or from one line to another.

    Args:
        file_path: File to read, relative to the workspace
        start_line: First line, counted from 1
        end_line: Last line, included
    """
    text = await asyncio.to_thread(_read, current_call().resolve(file_path))
    if start_line is None and end_line is None:
        return _said(text)
    lines = text.splitlines(keepends=True)
    first, last = max(start_line or 1, 1), end_line or len(lines)
    if first > len(lines) or last < first:
        raise ValueError(f"Lines {first} to {last} are not in the file; it has {len(lines)} lines.")
    return _said("".join(lines[first - 1 : last]))


async def save_file_content(file_path: str, content: str, create_dirs: bool = True) -> ExecutionResult:
    """Write text to a file; what was in it is replaced.

    Args:
        file_path: File to write, relative to the workspace
        content: The text
        create_dirs: Make missing directories
    """
    path = current_call().resolve(file_path, write=True)
    await asyncio.to_thread(_write, path, content, create_dirs)
    return _said(f"Wrote {len(content)} characters to {file_path}.")


async def append_file_content(file_path: str, content: str, line_position: int | None = None) -> ExecutionResult:
    """Add text at the end of a file, or insert it before a line.

    Args:
        file_path: File to change, relative to the workspace
        content: The text
        line_position: Line number before which the text is inserted, counted from 1; the end if left out
    """
    path = current_call().resolve(file_path, write=True)
    await asyncio.to_thread(_insert, path, content, line_position)
    where = "the end" if line_position is None else f"line {line_position}"
    return _said(f"Added {len(content)} characters at {where} of {file_path}.")


def _read(path: Path) -> str:
    if path.stat().st_size > MAX_FILE_BYTES:
        raise ValueError(f"The file is larger than {MAX_FILE_BYTES // 1_000_000} MB.")
    return path.read_text(encoding="utf-8", errors="replace")


def _write(path: Path, content: str, create_dirs: bool) -> None:
    if create_dirs:
        path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content, encoding="utf-8")


def _insert(path: Path, content: str, position: int | None) -> None:
    if position is None:
        with path.open("a", encoding="utf-8") as file:
            file.write(content)
        return
    lines = _read(path).splitlines(keepends=True)
    if not 1 <= position <= len(lines) + 1:
        raise ValueError(f"Line {position} is not in the file; it has {len(lines)} lines.")
    if position > len(lines) and lines and not lines[-1].endswith("\n"):
        lines[-1] += "\n"
    ended = content if content.endswith("\n") or position > len(lines) else content + "\n"
    lines.insert(position - 1, ended)
    path.write_text("".join(lines), encoding="utf-8")


def _said(text: str) -> ExecutionResult:
    return ExecutionResult(output_blocks=[TextContent(data=text)])
