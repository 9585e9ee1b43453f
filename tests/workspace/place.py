"""A launch directory with a project and the files of an agent, as a run lays them out."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

from massgen.workspace import (
    AgentPathPolicy,
    AgentPlace,
    ContextPath,
    RequestedPath,
    RunWorkspaces,
    WorkspaceSettings,
    check_context_paths,
    new_instance,
)


def write(path: Path, text: str = "text\n") -> Path:
    """Make a file with its parents."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def git(place: Path, *arguments: str) -> str:
    """A git command of the person whose project it is."""
    identity = ["-c", "user.name=person", "-c", "user.email=person@localhost", "-c", "init.defaultBranch=main"]
    done = subprocess.run(["git", *identity, *arguments], cwd=place, check=True, capture_output=True, text=True)
    return done.stdout


def git_project(place: Path) -> Path:
    """A repository with one commit of two modules."""
    write(place / "app.py", "import lib\n")
    write(place / "lib.py", "VALUE = 1\n")
    git(place, "init", "-q")
    git(place, "add", "-A")
    git(place, "commit", "-qm", "first")
    return place


def context(path: Path, permission: str = "write", *protected: str) -> ContextPath:
    """One checked context path."""
    wish = RequestedPath(
        path=str(path), permission="write" if permission == "write" else "read", protected_paths=protected
    )
    return check_context_paths([wish], launch_directory=path.parent).paths[0]


def contents(directory: Path) -> dict[str, bytes]:
    """Every file below a directory, links by their target."""
    found: dict[str, bytes] = {}
    for here, folders, files in os.walk(directory):
        for name in [*files, *(folder for folder in folders if os.path.islink(os.path.join(here, folder)))]:
            path = Path(here, name)
            value = os.fsencode(os.readlink(path)) if path.is_symlink() else path.read_bytes()
            found[str(path.relative_to(directory))] = value
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """A running pair of agents, `alpha` (agent1) and `beta` (agent2)."""

    launch: Path
    run: RunWorkspaces

    def policy(self, agent: str = "alpha", *, presenting: bool = False) -> AgentPathPolicy:
        policy = self.run.for_agent(agent, "presentation" if presenting else "coordination")
        assert policy is not None
        return policy

    def workspace(self, agent: str = "alpha") -> Path:
        found = self.run.workspace(agent)
        assert found is not None
        return found

    def view(self, viewer: str, number: int) -> Path:
        found = self.run.view_path(viewer, number)
        assert found is not None
        return found

    def checkout(self, agent: str = "alpha") -> Path:
        return next(path for path in (self.workspace(agent) / ".worktree").iterdir())


def settings(launch: Path, *contexts: ContextPath, **more: object) -> WorkspaceSettings:
    """Settings of a run in `launch`."""
    values: dict[str, object] = {"instance": new_instance(), "context_paths": contexts, **more}
    return WorkspaceSettings(launch_directory=launch, **values)  # pyright: ignore[reportArgumentType]


async def scene(launch: Path, *contexts: ContextPath, **more: object) -> Scene:
    """Two agents that need files."""
    agents = [AgentPlace(agent_id="alpha", number=1), AgentPlace(agent_id="beta", number=2)]
    run = await RunWorkspaces.prepare(settings(launch, *contexts, **more), agents)
    return Scene(launch=Path(os.path.realpath(launch)), run=run)
