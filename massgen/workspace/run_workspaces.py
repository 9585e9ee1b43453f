"""The files of one run, behind one face: who works where, what is frozen, who sees what, what reaches the user.

A run in which nobody needs files creates nothing (S-02): then `has_files` is False and every call is harmless.
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from massgen.errors import StorageError
from massgen.workspace import layout as layouts
from massgen.workspace.access import AgentView, Found, PathNote, Phase, agent_policy, look_at, path_notes
from massgen.workspace.applying import CutOff, finish_applying
from massgen.workspace.context_paths import ContextPath, merge_context_paths
from massgen.workspace.objects import storage_errors
from massgen.workspace.policy import AgentPathPolicy
from massgen.workspace.project import Project, free_name, open_project, project_roots, recall_project
from massgen.workspace.removal import empty_directory, remove_path
from massgen.workspace.review import Acceptance, Applied, FileChange, Review
from massgen.workspace.rewriting import rewrite_paths, spell
from massgen.workspace.run_settings import AgentPlace, Frozen, WorkspaceSettings
from massgen.workspace.store import FRAMEWORK_DIRECTORIES, SCRATCH_ARCHIVE, Store, Tree
from massgen.workspace.worktrees import Worktrees

log = logging.getLogger(__name__)

_KEPT = (*FRAMEWORK_DIRECTORIES, SCRATCH_ARCHIVE, layouts.WORKTREES)


class RunWorkspaces:
    """Made by `prepare`, ended by `finish`. Blocking work happens in threads."""

    def __init__(self, settings: WorkspaceSettings, agents: Sequence[AgentPlace], claim: layouts.Claim | None) -> None:
        self.settings = settings
        self._agents = {agent.agent_id: agent for agent in agents if claim is not None and agent.files}
        self._names = layouts.safe_names([agent.agent_id for agent in agents])
        self._claim = claim
        self._contexts = settings.context_paths
        self._found = Found()
        self._workspaces: dict[str, Path] = {}
        self._turns: list[Path] = []
        self._frozen: dict[str, Frozen] = {}
        self._worktrees: Worktrees | None = None
        self.cut_off: tuple[CutOff, ...] = ()

    @classmethod
    async def prepare(cls, settings: WorkspaceSettings, agents: Sequence[AgentPlace]) -> RunWorkspaces:
        """Make the workspaces of a run and clean up after runs that died; nothing if no agent needs files.

        Raises `WorkspaceError` or `StorageError` before any agent starts: unusable names, a read-only disk.
        """
        if not any(agent.files for agent in agents):
            return cls(settings, agents, None)
        claim = await asyncio.to_thread(
            layouts.claim,
            settings.launch_directory,
            instance=settings.instance,
            snapshots=settings.snapshot_storage,
            temp=settings.agent_temporary_workspace,
            log_dir=settings.log_dir,
        )
        run = cls(settings, agents, claim)
        try:
            run.cut_off = await asyncio.to_thread(finish_applying, claim.layout.state)
            await asyncio.to_thread(run._make_directories)
            run._found = await asyncio.to_thread(look_at, run._contexts)
            await run._open_projects()
        except BaseException:
            await asyncio.shield(run.finish())
            raise
        return run

    @property
    def has_files(self) -> bool:
        """Whether any agent has a workspace."""
        return bool(self._workspaces)

    @property
    def layout(self) -> layouts.Layout:
        """Where things lie; only for a run with files."""
        if self._claim is None:
            raise StorageError("This run has no workspaces.")
        return self._claim.layout

    @property
    def store(self) -> Store:
        """The frozen trees of this run."""
        return self._store

    @property
    def projects(self) -> tuple[Project, ...]:
        """The projects of which agents get copies (isolating write modes)."""
        return self._worktrees.projects if self._worktrees else ()

    @property
    def context_paths(self) -> tuple[ContextPath, ...]:
        """The effective context paths."""
        return self._contexts

    async def add_context_paths(self, added: Sequence[ContextPath]) -> None:
        """More context paths from the next policy on (interactive turns); permissions are only raised."""
        self._contexts = merge_context_paths(self._contexts, added)
        if self._claim is not None:
            self._found = await asyncio.to_thread(look_at, self._contexts)
            await self._open_projects()

    def workspace(self, agent_id: str) -> Path | None:
        """The agent's workspace, None where it has none."""
        return self._workspaces.get(agent_id)

    def view_path(self, viewer_id: str, number: int | None = None) -> Path | None:
        """Where the viewer finds the files of `agentN`, or of all agents."""
        if viewer_id not in self._workspaces:
            return None
        root = self.layout.temp / self._names[viewer_id]
        return root if number is None else root / f"agent{number}"

    def for_agent(self, agent_id: str, phase: Phase, *, extra_readable: Iterable[Path] = ()) -> AgentPathPolicy | None:
        """The agent's policy in `phase`; "presentation" is only for the presenter. None without a workspace."""
        if agent_id not in self._workspaces:
            return None
        return agent_policy(
            self._agent_view(agent_id),
            self._contexts,
            writes=self._writes(phase),
            denied=self._denied(agent_id),
            found=self._found,
            extra_readable=extra_readable,
        )

    def path_notes(self, agent_id: str, phase: Phase) -> tuple[PathNote, ...]:
        """The places that the agent's prompt lists."""
        if agent_id not in self._workspaces:
            return ()
        return path_notes(self._agent_view(agent_id), self._contexts, writes=self._writes(phase))

    async def start_round(self, agent_id: str) -> None:
        """Give the agent fresh copies of the projects (WS-031); nothing in `legacy` mode."""
        if self._worktrees is not None and self.settings.write_mode != "legacy" and agent_id in self._workspaces:
            await self._worktrees.start_round(agent_id)

    async def freeze(self, agent_id: str) -> Frozen | None:
        """The agent's files as they are now, for the answer it is about to give."""
        workspace = self._workspaces.get(agent_id)
        if workspace is None:
            return None
        projects: dict[str, Tree] = {}
        if self._worktrees is not None:
            await self._worktrees.archive_scratch(agent_id)
            projects = await self._worktrees.freeze(agent_id)
        return Frozen(tree=await self._store.take(workspace), projects=projects)

    async def publish(self, agent_id: str, frozen: Frozen | None) -> None:
        """Save an accepted answer's files as the agent's snapshot and show them to every agent (WS-020, WS-021)."""
        if frozen is None or agent_id not in self._agents:
            return
        self._frozen[agent_id] = frozen
        if self._worktrees is not None:
            await self._worktrees.publish(agent_id)
        number = self._agents[agent_id].number
        places = [self.layout.snapshots / self._names[agent_id]]
        places += [path for viewer in self._workspaces if (path := self.view_path(viewer, number)) is not None]
        if not frozen.tree.files:
            source = self._workspaces[agent_id]
            log.warning("[FilesystemManager.save_snapshot] Source path %s is empty, skipping snapshot", source)
            places = [place for place in places if not place.exists()]
        for place in places:
            await self._store.materialise(frozen.tree, place, links=self.settings.links)

    async def publish_turn(self, turn: int, number: int, source: Path | Frozen) -> None:
        """Show the files of an earlier turn to everyone under `turn_<N>/agentN/` (WS-026)."""
        if self._claim is None:
            return
        tree = source.tree if isinstance(source, Frozen) else await self._store.take(source, trusted=True)
        place = self.layout.temp / f"turn_{turn}"
        await self._store.materialise(tree, place / f"agent{number}", links=self.settings.links)
        if place not in self._turns:
            self._turns.append(place)

    async def write_step(self, frozen: Frozen | None, directory: Path) -> None:
        """Keep the files of a step as `directory` (its `workspace/` in the log, LOG-009)."""
        if frozen is not None:
            await self._store.materialise(frozen.tree, directory, links=self.settings.links)

    async def empty(self, agent_id: str, *, memory_archive: Path | None = None) -> None:
        """Empty the workspace after an accepted answer (COORD-042); framework directories stay.

        With `memory_archive` its `memory/` directory is copied there before (MEM-098).
        """
        workspace = self._workspaces.get(agent_id)
        if workspace is None:
            return
        memory = workspace / "memory"
        if memory_archive is not None and await asyncio.to_thread(memory.is_dir):
            await self._store.restore(await self._store.take(memory), memory_archive)
        with storage_errors("a workspace"):
            await asyncio.to_thread(empty_directory, workspace, keep=_KEPT)

    async def restore(self, agent_id: str, frozen: Frozen | None) -> None:
        """Make the workspace a writable copy of `frozen`, project copies included (presentation, COORD-101)."""
        workspace = self._workspaces.get(agent_id)
        if workspace is None or frozen is None:
            return
        kept = [*FRAMEWORK_DIRECTORIES, layouts.WORKTREES]
        await self._store.restore(frozen.tree, workspace, keep=kept)
        if self._worktrees is not None:
            await self._worktrees.start_round(agent_id, trees=frozen.projects)

    async def seed(self, source: Path | Frozen) -> None:
        """Start every agent's next turn with a copy of the last winner's files (WS-012, SESS-042).

        Workspaces of a turn that died are gone on with as they are.
        """
        if not self._workspaces:
            return
        tree = source.tree if isinstance(source, Frozen) else await self._store.take(source, trusted=True)
        for agent_id, workspace in self._workspaces.items():
            if self._agents[agent_id].existing is None:
                await self._store.restore(tree, workspace, keep=[*FRAMEWORK_DIRECTORIES, layouts.WORKTREES])

    async def recall(
        self, agent_id: str, tree_id: str | None, directory: Path | None, tell: Callable[[str], None]
    ) -> Frozen | None:
        """The files of an earlier answer of a resumed run: from the store, else from the step's `directory`; None
        where both are missing, since the process died before the answer had a step.

        It is what the agent published last, until it publishes again. Project copies that the store has not got
        start from the base. `tell` hears, as the end of a sentence, what is not as it was when it was given.
        """
        if agent_id not in self._workspaces:
            return None
        own, *copies = (tree_id or "").split("+")
        tree = await self._kept_tree(own)
        projects: dict[str, Tree] = {}
        for copy in copies:
            name, _, identifier = copy.rpartition("=")
            kept = await self._kept_tree(identifier)
            if kept is not None:
                projects[name] = kept
            else:
                tell(f"what it had changed in {name} is lost")
        if tree is None:
            if directory is None:
                return None
            tree = await self._store.take(directory, trusted=True)
            if own and tree.id != own:
                tell(f"its files are not whole: see {directory}")
        frozen = Frozen(tree=tree, projects=projects)
        self._frozen[agent_id] = frozen
        return frozen

    async def _kept_tree(self, identifier: str) -> Tree | None:
        if not identifier.isalnum() or not await asyncio.to_thread(self._store.objects.is_whole, identifier):
            return None
        return await asyncio.to_thread(self._store.describe, identifier)

    def latest(self, agent_id: str) -> Frozen | None:
        """The agent's newest published files."""
        return self._frozen.get(agent_id)

    def rewrite_paths(self, text: str, viewer_id: str) -> str:
        """`text` of any agent with workspace, snapshot and view paths as `viewer_id` finds them (HOOK-027)."""
        return rewrite_paths(text, self._places(viewer_id))

    def review(self, agent_id: str) -> Review:
        """The review of the presenter's changes; what it may apply follows the presentation's permissions."""
        policy = agent_policy(
            self._agent_view(agent_id), self._contexts, writes=True, denied=self._denied(agent_id), found=self._found
        )
        return Review(store=self._store, policy=policy, state=self.layout.state)

    async def changes(self, agent_id: str) -> list[FileChange]:
        """What the presenter changed in its project copies; empty in `legacy` mode."""
        if self._worktrees is None or agent_id not in self._workspaces:
            return []
        trees = await self._worktrees.freeze(agent_id)
        review = self.review(agent_id)
        changed: list[FileChange] = []
        for project in self.projects:
            if project.name in trees:
                changed += await review.changes(project, trees[project.name])
        return changed

    async def apply(self, agent_id: str, accepted: Sequence[Acceptance], *, patch: str = "") -> Applied:
        """Write accepted changes into the user's project (WS-033); `patch` is where the log keeps all changes."""
        return await self.review(agent_id).apply(accepted, patch=patch) if accepted else Applied()

    async def planted(self) -> tuple[Path, ...]:
        """Git repositories below paths written in place that were not there at the start: their hooks and settings
        would run when the user uses git there. File tools refuse to make them, commands can."""
        places = [item for item in self._contexts if item.permission == "write"]
        if self._claim is None or not places or not self._writes("presentation"):
            return ()
        found = await asyncio.to_thread(look_at, places)
        return tuple(path for path in found.git if path not in self._found.git)

    async def finish(self) -> None:
        """Remove project copies, branches and the store; workspaces, snapshots and views stay to be looked at."""
        if self._claim is None:
            return
        try:
            if self._worktrees is not None:
                await self._worktrees.close()
            await asyncio.to_thread(remove_path, self.layout.store)
            await asyncio.to_thread(layouts.remove_if_empty, self.layout.store.parent)
        except OSError as error:
            log.warning("Could not remove all working copies: %s", error)
        self._claim.release()

    def _writes(self, phase: Phase) -> bool:
        return phase == "presentation" and self.settings.write_mode == "legacy" and not self.settings.hold_writes

    def _agent_view(self, agent_id: str) -> AgentView:
        projects = self.projects
        trees = self._worktrees
        return AgentView(
            workspace=self._workspaces[agent_id],
            others=self.layout.temp / self._names[agent_id],
            turns=tuple(self._turns),
            checkouts=tuple(trees.checkout(agent_id, project) for project in projects) if trees else (),
            objects=tuple(path for item in projects for path in (item.repository / "objects", *item.borrowed)),
        )

    def _denied(self, agent_id: str) -> tuple[Path, ...]:
        others = [path for identifier, path in self._workspaces.items() if identifier != agent_id]
        places = [self.layout.state, self.layout.snapshots, self.layout.temp, *others, *self.settings.denied]
        return tuple(Path(os.path.realpath(path)) for path in places)

    def _places(self, viewer_id: str) -> dict[str, str]:
        if viewer_id not in self._workspaces:
            return {}
        layout = self.layout
        places: dict[Path, Path] = {}
        for agent_id, workspace in self._workspaces.items():
            view = layout.temp / self._names[viewer_id] / f"agent{self._agents[agent_id].number}"
            places |= {workspace: view, layout.snapshots / self._names[agent_id]: view}
            places[layout.temp / self._names[agent_id]] = layout.temp / self._names[viewer_id]
            for project in self.projects:
                places[workspace / layouts.WORKTREES / project.name] = project.root
        return spell(places, base=layout.base, alias=self.settings.launch_directory)

    def _make_directories(self) -> None:
        layout = self.layout
        self._store = Store(layout.store)
        cwds = [agent.cwd for agent in self._agents.values()]
        with storage_errors("the workspaces"):
            layouts.sweep_views(layout, list(self._names.values()))
            for agent in self._agents.values():
                path = agent.existing or layouts.workspace_path(agent.cwd, layout.base)
                path.mkdir(parents=True, exist_ok=agent.existing is not None)
                self._workspaces[agent.agent_id] = Path(os.path.realpath(path))
                (layout.temp / self._names[agent.agent_id]).mkdir(parents=True, exist_ok=True)
                if cwds.count(agent.cwd) == 1:
                    layouts.link_latest(path)

    async def _open_projects(self) -> None:
        direct = self.settings.write_mode == "legacy" and not self.settings.hold_writes
        if direct or self._claim is None:
            return
        layout = self.layout
        known = {project.root: project for project in self.projects}
        projects: list[Project] = []
        for root, only in project_roots(self._contexts):
            if root not in known:
                place = layout.store / "projects" / str(len(known))
                taken = {project.name for project in projects} | {project.name for project in known.values()}
                name = free_name(root.name or "project", taken)
                known[root] = await recall_project(root, only=only, store=self._store, place=place) or (
                    await open_project(
                        root,
                        name=name,
                        only=only,
                        mode="isolated" if self.settings.write_mode == "legacy" else self.settings.write_mode,
                        denied=(layout.state, *map(Path, map(os.path.realpath, self.settings.denied))),
                        store=self._store,
                        place=place,
                    )
                )
            projects.append(known[root])
        if projects:
            workspaces = self._workspaces
            self._worktrees = Worktrees(
                projects=projects, workspaces=workspaces, store=self._store, work=layout.store / "work"
            )
            await self._worktrees.recall()
            checkouts = [workspace / layouts.WORKTREES for workspace in workspaces.values()]
            await asyncio.to_thread(layouts.note_cleanup, self._claim, checkouts)
