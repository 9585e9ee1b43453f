"""Workspaces: private directories, frozen answers, views of each other's work, and the user's files, guarded.

Architecture: `RunWorkspaces` is what the engine uses. File tools use a policy from `RunWorkspaces.for_agent`
with the functions of `massgen.workspace.beneath`; sandboxes are built from `policy.grants`. Doors use
`context_paths`, `references`, `instructions` and `launch_offer`.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from massgen.workspace.access import PathNote
    from massgen.workspace.context_paths import (
        CheckedPaths,
        ContextPath,
        RequestedPath,
        check_context_paths,
        launch_directory_request,
        merge_context_paths,
    )
    from massgen.workspace.grants import Access, Grants, PathPolicy, PathRefused
    from massgen.workspace.instructions import InstructionFile, find_instructions, instructions_text
    from massgen.workspace.layout import Layout, new_instance
    from massgen.workspace.policy import AgentPathPolicy
    from massgen.workspace.project import WriteMode
    from massgen.workspace.references import PromptContext, parse_prompt_for_context
    from massgen.workspace.review import Acceptance, Applied, FileChange, Review, accept_all
    from massgen.workspace.run_workspaces import AgentPlace, Frozen, RunWorkspaces, WorkspaceSettings
    from massgen.workspace.store import Change, Store, Tree

__all__ = [
    "Acceptance",
    "Access",
    "AgentPathPolicy",
    "AgentPlace",
    "Applied",
    "Change",
    "CheckedPaths",
    "ContextPath",
    "FileChange",
    "Frozen",
    "Grants",
    "InstructionFile",
    "Layout",
    "PathNote",
    "PathPolicy",
    "PathRefused",
    "PromptContext",
    "RequestedPath",
    "Review",
    "RunWorkspaces",
    "Store",
    "Tree",
    "WorkspaceSettings",
    "WriteMode",
    "accept_all",
    "check_context_paths",
    "find_instructions",
    "instructions_text",
    "launch_directory_request",
    "merge_context_paths",
    "new_instance",
    "parse_prompt_for_context",
]

_HOMES = {
    "Acceptance": "review",
    "Access": "grants",
    "AgentPathPolicy": "policy",
    "AgentPlace": "run_workspaces",
    "Applied": "review",
    "Change": "store",
    "CheckedPaths": "context_paths",
    "ContextPath": "context_paths",
    "FileChange": "review",
    "Frozen": "run_workspaces",
    "Grants": "grants",
    "InstructionFile": "instructions",
    "Layout": "layout",
    "PathNote": "access",
    "PathPolicy": "grants",
    "PathRefused": "grants",
    "PromptContext": "references",
    "RequestedPath": "context_paths",
    "Review": "review",
    "RunWorkspaces": "run_workspaces",
    "Store": "store",
    "Tree": "store",
    "WorkspaceSettings": "run_workspaces",
    "WriteMode": "project",
    "accept_all": "review",
    "check_context_paths": "context_paths",
    "find_instructions": "instructions",
    "instructions_text": "instructions",
    "launch_directory_request": "context_paths",
    "merge_context_paths": "context_paths",
    "new_instance": "layout",
    "parse_prompt_for_context": "references",
}


def __getattr__(name: str) -> object:
    """Import a public name when it is first used, so that the command line reads arguments without waiting."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
