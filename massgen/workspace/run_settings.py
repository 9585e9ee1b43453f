"""What the files of a run are made from, and what they come to at one moment."""

from __future__ import annotations

from pathlib import Path

from msgspec import Struct, field

from massgen.workspace.context_paths import ContextPath
from massgen.workspace.project import WriteMode
from massgen.workspace.store import Tree


class AgentPlace(Struct, frozen=True, kw_only=True):
    """An agent by real id and number (N of `agentN`). `files` is False for one that needs no workspace (S-02);
    `cwd` is its configured workspace name, `existing` the directory of a run that is resumed."""

    agent_id: str
    number: int
    cwd: str | None = None
    files: bool = True
    existing: Path | None = None


class WorkspaceSettings(Struct, frozen=True, kw_only=True):
    """What a run needs to know. `denied` are key files and the team file; `.massgen` always is. `links` is False
    where readers run without a sandbox, so that views are copies. `hold_writes` keeps what the presenter writes in
    `legacy` mode in a copy until `apply` (restarts with `legacy` writes, COORD-106). `log_dir` is the log by which a
    run that died is gone on with: until its end stands there, its leftovers are kept."""

    launch_directory: Path
    instance: str
    snapshot_storage: str = "snapshots"
    agent_temporary_workspace: str = "temp_workspaces"
    context_paths: tuple[ContextPath, ...] = ()
    write_mode: WriteMode = "legacy"
    denied: tuple[Path, ...] = ()
    links: bool = True
    hold_writes: bool = False
    log_dir: Path | None = None


class Frozen(Struct, frozen=True, kw_only=True):
    """An agent's files at one moment: its workspace and its project copies by project name.

    `id` names the content of all of them: the tree's, then `+name=tree` for each project.
    """

    tree: Tree
    projects: dict[str, Tree] = field(default_factory=dict)

    @property
    def id(self) -> str:
        return "".join([self.tree.id, *(f"+{name}={tree.id}" for name, tree in sorted(self.projects.items()))])
