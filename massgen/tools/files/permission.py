"""The path policy as hooks: asked before every tool that names paths, told after those that read (HOOK-012)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from msgspec import Struct

from massgen.errors import MassGenError
from massgen.tools.catalog import bare
from massgen.tools.files.command_reads import files_shown_by
from massgen.tools.files.tool import PolicyProvider
from massgen.tools.files.tracker import FileOperationTracker
from massgen.tools.hooks.protocol import DEFAULT_TIMEOUT_SECONDS, HookEvent, HookResult
from massgen.workspace.grants import Access, PathRefused

_Paths = tuple[tuple[str, Access], ...]
_READ: _Paths = (("path", "read"),)
_WRITE: _Paths = (("path", "write"),)

TOOL_PATHS: Mapping[str, _Paths] = MappingProxyType({
    "read_file": _READ,
    "read_text_file": _READ,
    "list_directory": _READ,
    "directory_tree": _READ,
    "get_file_info": _READ,
    "grep_search": _READ,
    "write_file": _WRITE,
    "edit_file": _WRITE,
    "create_directory": _WRITE,
    "delete_file": _WRITE,
    "delete_files_batch": (("base_path", "write"),),
    "move_file": (("source", "write"), ("destination", "write")),
    "copy_file": (("source_path", "read"), ("destination_path", "write")),
    "copy_files_batch": (("source_base_path", "read"), ("destination_base_path", "write")),
    "compare_files": (("file1", "read"), ("file2", "read")),
    "compare_directories": (("dir1", "read"), ("dir2", "read")),
    # native tools of agent backends (WS-121)
    "Read": (("file_path", "read"),),
    "Grep": _READ,
    "Glob": _READ,
    "Write": (("file_path", "write"),),
    "Edit": (("file_path", "write"),),
    "NotebookEdit": (("notebook_path", "write"),),
    "ReadFile": (("path", "read"), ("absolute_path", "read")),
    "WriteFile": (("path", "write"), ("file_path", "write")),
})  # fmt: skip
"""The arguments that are paths, and what is done to them; own tools by bare name, native ones as they are."""

_FILE_SERVERS = ("mcp__filesystem__", "mcp__workspace_tools__")
_ENTRIES = frozenset({"delete_file", "move_file"})


def paths_of(tool_name: str, arguments: Mapping[str, Any]) -> Iterator[tuple[str, Access]]:
    """The paths that a call names, as written, with what it wants to do to them."""
    name = bare(tool_name) if tool_name.startswith(_FILE_SERVERS) else tool_name
    for argument, access in TOOL_PATHS.get(name, ()):
        value = arguments.get(argument)
        if isinstance(value, str):
            yield value, access


class PathPermissionHook(Struct, frozen=True, kw_only=True):
    """Asks the policy before file tools, own and native. When the policy itself fails, the call is denied."""

    policy: PolicyProvider
    name: str = "PathPermissionHook"
    matcher: str = "*"
    fail_closed: bool = True
    timeout_seconds: float = DEFAULT_TIMEOUT_SECONDS

    async def run(self, event: HookEvent) -> HookResult:
        """Deny with the policy's words."""
        policy = None
        for path, access in paths_of(event.tool_name, event.tool_input):
            policy = policy or self.policy()
            try:
                if bare(event.tool_name) in _ENTRIES:
                    policy.resolve_entry(path, access)
                else:
                    policy.resolve(path, access)
            except PathRefused as refused:
                return HookResult.deny(f"Error: {refused.message}")
        return HookResult.allow()


class ReadTrackingHook(Struct, frozen=True, kw_only=True):
    """Counts reads by native tools and recognisable commands, so that what was seen may be deleted (WS-135)."""

    policy: PolicyProvider
    tracker: FileOperationTracker
    name: str = "ReadTrackingHook"
    matcher: str = "Read|ReadFile|Write|WriteFile|Bash|RunShellCommand|*execute_command"
    fail_closed: bool = False
    timeout_seconds: float = DEFAULT_TIMEOUT_SECONDS

    async def run(self, event: HookEvent) -> HookResult:
        """Note what a finished call showed or wrote."""
        if event.is_error:
            return HookResult.allow()
        for path, access in paths_of(event.tool_name, event.tool_input):
            self._note(path, access)
        command = event.tool_input.get("command")
        if isinstance(command, str):
            directory = event.tool_input.get("work_dir")
            for path in files_shown_by(command):
                self._note(str(Path(directory, path)) if isinstance(directory, str) else path, "read")
        return HookResult.allow()

    def _note(self, path: str, access: Access) -> None:
        try:
            real = self.policy().resolve(path, access)
        except MassGenError:
            return
        if real.is_file():
            if access == "read":
                self.tracker.track_read(real)
            else:
                self.tracker.track_write(real, created=False)


class PathPermissionManager:
    """Policy and tracker of one agent behind the documented names (WS-134); paths as an agent writes them."""

    def __init__(self, policy: PolicyProvider, tracker: FileOperationTracker | None = None) -> None:
        self.tracker = tracker or FileOperationTracker()
        self._policy = policy

    def track_read_operation(self, path: str | Path) -> None:
        """Record that a file was read; raises `PathRefused` where that is not allowed."""
        self.tracker.track_read(self._policy().resolve(str(path), "read"))

    def track_write_operation(self, path: str | Path, *, created: bool = True) -> None:
        """Record that a file was written; raises `PathRefused` where that is not allowed."""
        self.tracker.track_write(self._policy().resolve(str(path), "write"), created=created)

    def track_delete_operation(self, path: str | Path) -> None:
        """Validate and record a deletion; raises `PathRefused`, or `UnreadFile` for a file not known."""
        policy = self._policy()
        real = policy.resolve_entry(str(path), "write")
        policy.check_removal(real, shown=str(path))
        if real.is_dir() and not real.is_symlink():
            files = [each for each in real.rglob("*") if each.is_file()]
            self.tracker.check_delete_all(files, real, shown=str(path))
        else:
            self.tracker.check_delete(real, shown=str(path))
        self.tracker.track_delete(real)
