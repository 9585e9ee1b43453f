"""The file tools of one agent: names, descriptions and schemas (WS-110 to WS-119)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec import Struct

from massgen.tools.files import comparing, copying, deleting, reading, search, writing
from massgen.tools.files.tool import FileTool, Operation, PolicyProvider
from massgen.tools.files.tracker import FileOperationTracker
from massgen.tools.protocol import Tool

FILESYSTEM = "filesystem"
WORKSPACE_TOOLS = "workspace_tools"
KEPT_WITH_COMMANDS = frozenset({"write_file", "edit_file", "create_directory", "move_file"})
COMMAND_REPLACEMENTS = (
    "For files use commands: `cat`/`head`/`tail` to read, `ls`/`find` to list, `grep`/`rg` to search, "
    "`cp` to copy, `rm` to delete, `diff` to compare. Create and change files with write_file and edit_file."
)
"""What the prompt says when the reading tools are left out (WS-120)."""


class _Kind(Struct, frozen=True, kw_only=True):
    server: str
    name: str
    description: str
    operation: Operation
    properties: Mapping[str, Any]
    required: tuple[str, ...]
    writes: bool = False


_TEXT: Mapping[str, Any] = {"type": "string"}
_FLAG: Mapping[str, Any] = {"type": "boolean"}
_TEXTS: Mapping[str, Any] = {"type": "array", "items": _TEXT}


def _number(description: str) -> Mapping[str, Any]:
    return {"type": "integer", "description": description}


def _said(description: str) -> Mapping[str, Any]:
    return {"type": "string", "description": description}


_EDITS: Mapping[str, Any] = {
    "type": "array",
    "minItems": 1,
    "items": {
        "type": "object",
        "properties": {"oldText": _said("exact text, found once in the file"), "newText": _TEXT},
        "required": ["oldText", "newText"],
    },
}

_KINDS = (
    _Kind(
        server=FILESYSTEM,
        name="read_file",
        description="Read a text file. Paths are relative to your workspace, or absolute where you have access.",
        operation=reading.read_file,
        properties={
            "path": _TEXT,
            "offset": _number("first line, from 1; negative counts from the end"),
            "limit": _number("lines to read"),
        },
        required=("path",),
    ),
    _Kind(
        server=FILESYSTEM,
        name="write_file",
        description="Create a file, or replace all of it. Missing directories are made.",
        operation=writing.write_file,
        properties={"path": _TEXT, "content": _TEXT},
        required=("path", "content"),
        writes=True,
    ),
    _Kind(
        server=FILESYSTEM,
        name="edit_file",
        description="Change parts of a text file; returns the diff. With dryRun nothing is written.",
        operation=writing.edit_file,
        properties={"path": _TEXT, "edits": _EDITS, "dryRun": _FLAG},
        required=("path", "edits"),
        writes=True,
    ),
    _Kind(
        server=FILESYSTEM,
        name="create_directory",
        description="Make a directory with its parents.",
        operation=writing.create_directory,
        properties={"path": _TEXT},
        required=("path",),
        writes=True,
    ),
    _Kind(
        server=FILESYSTEM,
        name="list_directory",
        description="List a directory.",
        operation=reading.show_directory,
        properties={"path": _TEXT},
        required=(),
    ),
    _Kind(
        server=FILESYSTEM,
        name="directory_tree",
        description="Show a directory with all below it.",
        operation=reading.directory_tree,
        properties={"path": _TEXT},
        required=(),
    ),
    _Kind(
        server=FILESYSTEM,
        name="move_file",
        description="Move or rename a file or directory; the destination must not exist.",
        operation=writing.move_file,
        properties={"source": _TEXT, "destination": _TEXT},
        required=("source", "destination"),
        writes=True,
    ),
    _Kind(
        server=FILESYSTEM,
        name="get_file_info",
        description="Type, size, time and mode of a file or directory.",
        operation=reading.file_info,
        properties={"path": _TEXT},
        required=("path",),
    ),
    _Kind(
        server=FILESYSTEM,
        name="grep_search",
        description="Search file contents with a regular expression; gives file, line and text.",
        operation=search.grep_search,
        properties={
            "pattern": _TEXT,
            "path": _said("file or directory, default: workspace"),
            "include": _said("glob of files, such as *.py"),
            "ignore_case": _FLAG,
        },
        required=("pattern",),
    ),
    _Kind(
        server=WORKSPACE_TOOLS,
        name="copy_file",
        description="Copy a file or directory you can read to a place you can write.",
        operation=copying.copy_file,
        properties={"source_path": _TEXT, "destination_path": _TEXT},
        required=("source_path", "destination_path"),
        writes=True,
    ),
    _Kind(
        server=WORKSPACE_TOOLS,
        name="copy_files_batch",
        description="Copy the files below a directory that fit globs such as *.py.",
        operation=copying.copy_files_batch,
        properties={
            "source_base_path": _TEXT,
            "destination_base_path": _TEXT,
            "include_patterns": _TEXTS,
            "exclude_patterns": _TEXTS,
        },
        required=("source_base_path",),
        writes=True,
    ),
    _Kind(
        server=WORKSPACE_TOOLS,
        name="delete_file",
        description="Delete a file you have read or created; with recursive a directory of such files.",
        operation=deleting.delete_file,
        properties={"path": _TEXT, "recursive": _FLAG},
        required=("path",),
        writes=True,
    ),
    _Kind(
        server=WORKSPACE_TOOLS,
        name="delete_files_batch",
        description="Delete the files below a directory that fit globs such as *.tmp.",
        operation=deleting.delete_files_batch,
        properties={"base_path": _TEXT, "include_patterns": _TEXTS, "exclude_patterns": _TEXTS},
        required=("include_patterns",),
        writes=True,
    ),
    _Kind(
        server=WORKSPACE_TOOLS,
        name="compare_directories",
        description="Files only in one of two directories, and files that differ.",
        operation=comparing.compare_directories,
        properties={"dir1": _TEXT, "dir2": _TEXT},
        required=("dir1", "dir2"),
    ),
    _Kind(
        server=WORKSPACE_TOOLS,
        name="compare_files",
        description="Unified diff of two text files.",
        operation=comparing.compare_files,
        properties={"file1": _TEXT, "file2": _TEXT},
        required=("file1", "file2"),
    ),
)


def file_tools(
    policy: PolicyProvider,
    *,
    tracker: FileOperationTracker,
    exclude_file_operations: bool = False,
    servers: tuple[str, ...] = (FILESYSTEM, WORKSPACE_TOOLS),
) -> list[Tool]:
    """The tools of one agent; `policy` gives the policy of the moment (it changes with the phase).

    `exclude_file_operations` leaves only those that write texts (WS-118, WS-119).
    """
    kinds = (kind for kind in _KINDS if kind.server in servers)
    return [
        FileTool(
            server=kind.server,
            name=kind.name,
            description=kind.description,
            parameters={
                "type": "object",
                "properties": dict(kind.properties),
                "required": list(kind.required),
            },
            operation=kind.operation,
            writes=kind.writes,
            policy=policy,
            tracker=tracker,
        )
        for kind in kinds
        if not exclude_file_operations or kind.name in KEPT_WITH_COMMANDS
    ]
