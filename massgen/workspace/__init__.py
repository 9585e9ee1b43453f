"""Workspaces: private directories, frozen answers, views of each other's work, and the user's files, guarded.

Architecture: `RunWorkspaces` is what the engine uses. File tools use a policy from `RunWorkspaces.for_agent`
with the functions of `massgen.workspace.beneath`; sandboxes are built from `policy.grants`. Doors use
`context_paths`, `references`, `instructions` and `launch_offer`.
"""

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
