"""What an agent edits in an isolating `write_mode`: one checkout of each project per round (WS-031 to WS-043).

Each checkout is a small git repository of its own inside the agent's workspace. It borrows the objects of the
project's private repository and lists the branches of all agents, but shares no configuration, hook or ref with
anyone, so that no agent's git runs what another agent wrote. It is built out of the agent's reach and moved in.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import secrets
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from msgspec.structs import replace

from massgen.workspace import beneath
from massgen.workspace.capture import SIZE_CAP, Omission, open_real, skip_nothing
from massgen.workspace.git import git
from massgen.workspace.grants import Grants, PathRefused
from massgen.workspace.layout import WORKTREES
from massgen.workspace.notes import write_note
from massgen.workspace.objects import storage_errors
from massgen.workspace.policy import AgentPathPolicy
from massgen.workspace.project import SCRATCH, Project, checkout_skip, commit_tree, ignored_names
from massgen.workspace.removal import remove_name, remove_path
from massgen.workspace.store import SCRATCH_ARCHIVE, Store, Tree

log = logging.getLogger(__name__)

_ATTRIBUTES = "* -text -filter -ident -working-tree-encoding\n"
_CONFIG = (("user.name", "agent"), ("user.email", "agent@localhost"), ("core.autocrlf", "false"), ("gc.auto", "0"))


@dataclass(slots=True, kw_only=True)
class _Branch:
    """An agent's one live branch: its name and, for each project, the commit that others see, the newest one, and what
    the tree that it started from does not hold."""

    name: str
    commits: dict[str, str] = field(default_factory=dict)
    frozen: dict[str, str] = field(default_factory=dict)
    left: dict[str, list[Omission]] = field(default_factory=dict)


class Worktrees:
    """The checkouts of all agents of a run. `workspaces` maps agent ids to workspaces."""

    def __init__(
        self, *, projects: Sequence[Project], workspaces: Mapping[str, Path], store: Store, work: Path
    ) -> None:
        self.projects = tuple(projects)
        self._workspaces = dict(workspaces)
        self._store = store
        self._work = work
        self._branches: dict[str, _Branch] = {}
        self._caches: dict[str, frozenset[str]] = {}

    def checkout(self, agent_id: str, project: Project) -> Path:
        """Where the agent's checkout of `project` lies."""
        return self._workspaces[agent_id] / WORKTREES / project.name

    def branch(self, agent_id: str) -> str | None:
        """The name of the agent's live branch."""
        found = self._branches.get(agent_id)
        return found.name if found else None

    async def start_round(self, agent_id: str, *, trees: Mapping[str, Tree] | None = None) -> None:
        """A fresh checkout on a new branch, from the base or from `trees` (by project name, for the presentation).

        What the scratch space of the last round held moves to `.scratch_archive/` (WS-039). Other agents keep
        seeing the agent's last frozen work under the new branch name.
        """
        old = self._branches.get(agent_id)
        await self.archive_scratch(agent_id)
        branch = _Branch(
            name=_free_branch(),
            commits=dict(old.commits) if old else {},
            left={name: list(tree.omitted) for name, tree in (trees or {}).items()},
        )
        self._branches[agent_id] = branch
        with storage_errors("a worktree"):
            await asyncio.to_thread(remove_path, self._workspaces[agent_id] / WORKTREES)
        for project in self.projects:
            shown = branch.commits.setdefault(project.name, project.commit)
            await git("update-ref", f"refs/heads/{branch.name}", shown, git_dir=project.repository)
            if old is not None:
                await git("update-ref", "-d", f"refs/heads/{old.name}", git_dir=project.repository)
            await self._check_out(agent_id, project, (trees or {}).get(project.name))
            await self._tell_others(agent_id, project, branch.name, shown, gone=old.name if old else None)
        await self._keep()

    async def recall(self) -> None:
        """Go on with the branches of a run that died, where its checkouts are still there."""
        for agent_id, branch in (await asyncio.to_thread(self._noted)).items():
            checkouts = [self.checkout(agent_id, project) for project in self.projects]
            there = [await asyncio.to_thread(_is_directory, path) for path in checkouts]
            if all(there):
                self._branches[agent_id] = branch or await self._begun_anew(agent_id)

    async def _begun_anew(self, agent_id: str) -> _Branch:
        """A branch for checkouts that lie there, but are named in no note: others see their base for now."""
        branch = _Branch(name=_free_branch(), commits={project.name: project.commit for project in self.projects})
        for project in self.projects:
            await git("update-ref", f"refs/heads/{branch.name}", project.commit, git_dir=project.repository)
        log.warning("The work that %s had shown of its copies of the project is lost; the copies are kept", agent_id)
        return branch

    def _noted(self) -> dict[str, _Branch | None]:
        """The branch of each agent in the note; None for all where there is a note that cannot be read."""
        try:
            found = json.loads(self._note.read_text(encoding="utf-8"))
            return {
                agent_id: _Branch(name=name, commits=dict(commits), frozen=dict(frozen), left=_omissions(left))
                for agent_id, (name, commits, frozen, *left) in found.items()
                if agent_id in self._workspaces
            }
        except FileNotFoundError:
            return {}
        except (OSError, ValueError, TypeError, AttributeError):
            return dict.fromkeys(self._workspaces)

    async def _keep(self) -> None:
        """Note whose branch is which, for a run that goes on with this one."""
        found = {name: [one.name, one.commits, one.frozen, one.left] for name, one in self._branches.items()}
        with storage_errors("a worktree"):
            await asyncio.to_thread(write_note, self._note, found)

    @property
    def _note(self) -> Path:
        return self._work.with_name("branches.json")

    async def freeze(self, agent_id: str) -> dict[str, Tree]:
        """The state of the agent's checkouts by project name, committed but not yet shown to the others. What could not
        be kept of them, now or when the round began, is in `omitted`."""
        branch = self._branches.get(agent_id)
        trees: dict[str, Tree] = {}
        if branch is None:
            return trees
        for project in self.projects:
            checkout = self.checkout(agent_id, project)
            if not await asyncio.to_thread(_is_directory, checkout):
                continue
            ignored = await ignored_names(project, checkout)
            skip = checkout_skip(ignored, await self._own_caches(project))
            cap = project.base.size + SIZE_CAP
            tree = await self._store.take(checkout, skip=skip, size_cap=cap, keep_links=True)
            earlier = [item for item in branch.left.get(project.name, ()) if not os.path.lexists(checkout / item.path)]
            tree = replace(tree, omitted=(*tree.omitted, *earlier))
            branch.frozen[project.name] = await commit_tree(project, tree, self._store)
            trees[project.name] = tree
        await self._keep()
        return trees

    async def _own_caches(self, project: Project) -> frozenset[str]:
        """Directories named like a cache in which the project keeps files."""
        if project.name not in self._caches:
            paths = await asyncio.to_thread(self._store.entries, project.base)
            folders = {str(folder) for path in paths for folder in PurePosixPath(path).parents}
            kept = frozenset(folder for folder in folders if skip_nothing(folder, True) is not None)
            self._caches[project.name] = kept
        return self._caches[project.name]

    async def publish(self, agent_id: str) -> None:
        """Show what was frozen last under the agent's branch, in every checkout (WS-037)."""
        branch = self._branches.get(agent_id)
        if branch is None:
            return
        for project in self.projects:
            commit = branch.frozen.get(project.name)
            if commit is not None:
                branch.commits[project.name] = commit
                await git("update-ref", f"refs/heads/{branch.name}", commit, git_dir=project.repository)
                await self._tell_others(agent_id, project, branch.name, commit)
        await self._keep()

    async def archive_scratch(self, agent_id: str) -> None:
        """Copy the scratch space to `.scratch_archive/` in the workspace, so that a snapshot holds it (WS-039)."""
        scratches = {project: self.checkout(agent_id, project) / SCRATCH for project in self.projects}
        filled = [project for project, path in scratches.items() if await asyncio.to_thread(_has_entries, path)]
        if not filled:
            return
        fresh = self._work / secrets.token_hex(8)
        try:
            with storage_errors("a scratch archive"):
                await asyncio.to_thread(fresh.mkdir, parents=True)
                for project in filled:
                    tree = await self._store.take(scratches[project])
                    await self._store.restore(tree, fresh / project.name if len(self.projects) > 1 else fresh)
                await asyncio.to_thread(_move_in, fresh, self._workspaces[agent_id], SCRATCH_ARCHIVE)
        finally:
            await asyncio.to_thread(remove_path, fresh)

    async def close(self) -> None:
        """Remove all checkouts (WS-042)."""
        for workspace in self._workspaces.values():
            await asyncio.to_thread(remove_path, workspace / WORKTREES)

    async def _check_out(self, agent_id: str, project: Project, tree: Tree | None) -> None:
        branch = self._branches[agent_id]
        fresh = self._work / secrets.token_hex(8)
        with storage_errors("a worktree"):
            await asyncio.to_thread(self._work.mkdir, parents=True, exist_ok=True)
        try:
            await self._store.restore(tree or project.base, fresh)
            known = await self._store.survey(tree or project.base, fresh)
            await git("init", "-q", "--template=", f"--initial-branch={branch.name}", str(fresh))
            commit = project.commit if tree is None else branch.commits.get(project.name, project.commit)
            others = {
                other.name: other.commits[project.name]
                for identifier, other in self._branches.items()
                if identifier != agent_id and project.name in other.commits
            }
            with storage_errors("a worktree"):
                await asyncio.to_thread(_furnish, fresh, project, {**others, branch.name: commit})
            repository = fresh / ".git"
            for key, value in _CONFIG:
                await git("config", key, value, git_dir=repository)
            await git("read-tree", commit, git_dir=repository, work_tree=fresh, cwd=fresh)
            await git("update-index", "-q", "--refresh", git_dir=repository, work_tree=fresh, cwd=fresh)
            with storage_errors("a worktree"):
                seen = time.time_ns()
                await asyncio.to_thread(_move_in, fresh, self._workspaces[agent_id], WORKTREES, project.name)
            self._store.adopt(self.checkout(agent_id, project), known, seen)
        finally:
            await asyncio.to_thread(remove_path, fresh)

    async def _tell_others(
        self, agent_id: str, project: Project, branch: str, commit: str, *, gone: str | None = None
    ) -> None:
        for identifier in self._branches:
            if identifier != agent_id:
                checkout = self.checkout(identifier, project)
                await asyncio.to_thread(_write_refs, checkout, {branch: commit}, gone)


def _free_branch() -> str:
    return f"work-{secrets.token_hex(4)}"


def _furnish(checkout: Path, project: Project, refs: Mapping[str, str]) -> None:
    """Objects to borrow, what git ignores, branches, and the scratch space of a checkout not yet handed over."""
    repository = checkout / ".git"
    for directory in ("objects/info", "info", "refs/heads"):
        (repository / directory).mkdir(parents=True, exist_ok=True)
    (repository / "objects/info/alternates").write_text(f"{project.repository / 'objects'}\n")
    (repository / "info/exclude").write_text(f"/{SCRATCH}/\n")
    (repository / "info/attributes").write_text(_ATTRIBUTES)
    shallow = project.repository / "shallow"
    if shallow.is_file():
        (repository / "shallow").write_bytes(shallow.read_bytes())
    for name, commit in refs.items():
        (repository / "refs/heads" / name).write_text(f"{commit}\n")
    (checkout / SCRATCH).mkdir(exist_ok=True)


def _move_in(fresh: Path, workspace: Path, *names: str) -> None:
    """Move `fresh` to a name below the workspace, whose agent may be swapping directories for links meanwhile."""
    descriptor = open_real(str(workspace))
    try:
        for name in names[:-1]:
            below = _entered(name, descriptor)
            os.close(descriptor)
            descriptor = below
        remove_name(names[-1], descriptor)
        os.rename(fresh, names[-1], dst_dir_fd=descriptor)
    finally:
        os.close(descriptor)


def _entered(name: str, parent: int) -> int:
    flags = os.O_RDONLY | getattr(os, "O_DIRECTORY", 0) | getattr(os, "O_NOFOLLOW", 0)
    try:
        return os.open(name, flags, dir_fd=parent)
    except FileNotFoundError:
        pass
    except OSError:
        remove_name(name, parent)
    os.mkdir(name, dir_fd=parent)
    return os.open(name, flags, dir_fd=parent)


def _write_refs(checkout: Path, refs: Mapping[str, str], gone: str | None) -> None:
    """Show branches in a checkout that its agent may be changing; one that was spoilt is left alone."""
    try:
        policy = AgentPathPolicy(workspace=checkout, grants=Grants(writable=(checkout,)), private=(checkout,))
        for name, commit in refs.items():
            beneath.replace_file(policy, f".git/refs/heads/{name}", f"{commit}\n".encode())
        if gone is not None:
            beneath.remove(policy, f".git/refs/heads/{gone}")
    except (OSError, PathRefused) as error:
        log.debug("The branches of a checkout could not be updated: %s", error)


def _omissions(noted: Sequence[Mapping[str, Sequence[Sequence[str]]]]) -> dict[str, list[Omission]]:
    """What an older version did not note was nothing."""
    found = noted[0] if noted else {}
    return {name: [Omission(path, reason) for path, reason in omitted] for name, omitted in found.items()}


def _is_directory(path: Path) -> bool:
    return path.is_dir() and not path.is_symlink()


def _has_entries(path: Path) -> bool:
    try:
        return _is_directory(path) and bool(os.listdir(path))
    except OSError:
        return False
