"""The files of a run's agents, as the engine needs them: `AgentFiles` over one `RunWorkspaces`."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import msgspec
from msgspec import Struct

from massgen.config import BackendConfig, Config, LoadedConfig
from massgen.config.packaged import root_directory
from massgen.engine.turn import TurnResult
from massgen.errors import MassGenError
from massgen.runs.context_rules import RECENT
from massgen.runs.memory import TeamMemory
from massgen.runs.traces import RoundTraces
from massgen.tools.protocol import Phase
from massgen.views.files import guarded, spared, write_atomic
from massgen.workspace.access import PathNote
from massgen.workspace.beneath import read_bytes, replace_file
from massgen.workspace.context_paths import PROTECTION_NOTICE, ContextPath, RequestedPath, check_context_paths
from massgen.workspace.memory_files import DIRECTORY, read_memories
from massgen.workspace.policy import AgentPathPolicy
from massgen.workspace.review import Applied, FileChange, accept_all
from massgen.workspace.run_workspaces import AgentPlace, Frozen, RunWorkspaces, WorkspaceSettings
from massgen.workspace.sandbox.choice import local_kind_here
from massgen.workspace.sandbox.protocol import SandboxKind

TRACE_FILE = "execution_trace.md"
CHANGEDOC_FILE = "tasks/changedoc.md"
MAX_CHANGEDOC = 256 * 1024
StepDirectory = Callable[[str], Path | None]


def instance_of(log_dir: Path, turn: int) -> str:
    """The instance id of a turn (AUTO-061): of one name with its log, so that whoever goes on finds its files."""
    return hashlib.sha256(f"{log_dir.name}/{turn}".encode()).hexdigest()[:8]


class FilesOf(Struct, frozen=True, kw_only=True):
    """Whose files these are: the turn's log, None where it has none, and for a turn that is gone on with the
    workspaces it had, by agent."""

    log_dir: Path
    turn: int
    logged: bool = True
    existing: Mapping[str, Path] = msgspec.field(default_factory=dict)


@dataclass(slots=True)
class TeamFiles:
    """All agents' files. `steps` tells where the log keeps the step of a label, None where it keeps none.

    An accepted answer's files are published once, before the first agent that sees the answer begins to read;
    `_publishing` guards that, and that the views of one author change in the order of its answers.
    """

    run: RunWorkspaces
    steps: StepDirectory
    agents: dict[int, AgentWork] = field(default_factory=dict)
    _trees: dict[str, Frozen] = field(default_factory=dict)
    changedocs: bool = False
    memory: TeamMemory | None = None
    traces: RoundTraces | None = None
    _documents: dict[str, str] = field(default_factory=dict)
    _published: set[str] = field(default_factory=set)
    _recalled: set[str] = field(default_factory=set)
    _publishing: asyncio.Lock = field(default_factory=asyncio.Lock)

    @classmethod
    async def prepare(
        cls,
        config: Config,
        loaded: LoadedConfig,
        launch: Path,
        *,
        steps: StepDirectory,
        hint: Callable[[str], None],
        of: FilesOf,
        extra: tuple[RequestedPath, ...] = (),
    ) -> TeamFiles:
        """Check paths and make the workspaces; raises `WorkspaceError` before any agent starts."""
        contexts = checked_contexts(config, loaded, launch, hint=hint, extra=extra)
        places = [
            AgentPlace(
                agent_id=agent.id,
                number=number,
                cwd=agent.backend.cwd,
                files=agent.backend.cwd is not None,
                existing=of.existing.get(agent.id),
            )
            for number, agent in enumerate(config.agents, 1)
        ]
        coordination = config.orchestrator.coordination
        settings = WorkspaceSettings(
            launch_directory=launch,
            instance=instance_of(of.log_dir, of.turn),
            log_dir=of.log_dir if of.logged else None,
            snapshot_storage=config.orchestrator.snapshot_storage,
            agent_temporary_workspace=config.orchestrator.agent_temporary_workspace,
            context_paths=contexts,
            write_mode=coordination.write_mode or "legacy",
            denied=_denied(loaded),
            hold_writes=coordination.max_orchestration_restarts > 0,
            links=await asyncio.to_thread(shares_views, [agent.backend for agent in config.agents]),
        )
        team = cls(
            run=await RunWorkspaces.prepare(settings, places), steps=steps, changedocs=coordination.enable_changedoc
        )
        for one in team.run.cut_off:
            hint(one.sentence())
        for place in places:
            if place.files:
                team.agents[place.number] = AgentWork(team, place.agent_id, place.number)
        return team

    def tree(self, tree_id: str | None) -> Frozen | None:
        return self._trees.get(tree_id) if tree_id else None

    def remember(self, frozen: Frozen, changedoc: str = "") -> str:
        """The id under which `frozen` and its change document are found again."""
        self._trees[frozen.id] = frozen
        if changedoc:
            self._documents[frozen.id] = changedoc
        return frozen.id

    def changedoc(self, tree_id: str | None) -> str:
        """The change document in a tree, empty without one."""
        return self._documents.get(tree_id, "") if tree_id else ""

    async def show(self, author: int, label: str, tree_id: str | None) -> None:
        """Make the files of an answer readable for everybody; many may wait, one publishes."""
        frozen = self.tree(tree_id)
        work = self.agents.get(author)
        if frozen is None or work is None:
            return
        async with self._publishing:
            if label not in self._published and await spared("files", self._publish(work, label, frozen)):
                self._published.add(label)

    async def _publish(self, work: AgentWork, label: str, frozen: Frozen) -> None:
        await self.run.publish(work.agent_id, frozen)
        await self.keep_step(label, frozen)
        await asyncio.to_thread(self._show_trace, label)
        if self.memory is not None and label not in self._recalled:
            await self.memory.keep(work.agent_id)

    def _show_trace(self, label: str) -> None:
        """How an answer came about, for everybody to read (LOG-008)."""
        text = self.traces.answers.pop(label, "") if self.traces is not None else ""
        for work in self.agents.values() if text else ():
            view = self.run.view_path(work.agent_id)
            if view is not None:
                guarded("a trace for agents", lambda view=view: _write(view / "traces" / f"{label}.md", text))

    async def recall(self, author: int, label: str, tree_id: str, tell: Callable[[str], None]) -> bool:
        """The files of an answer that a dead process accepted, from where its step keeps them; False if lost. `tell`
        hears of parts that are lost."""
        work, directory = self.agents.get(author), self.steps(label)
        if work is None:
            return False
        place = directory / "workspace" if directory is not None else None
        try:
            frozen = await self.run.recall(work.agent_id, tree_id, place, tell)
        except (MassGenError, OSError):
            return False
        if frozen is not None:
            document = "" if directory is None else await asyncio.to_thread(_read_document, directory / "changedoc.md")
            self.remember(frozen, document)
            self._trees[tree_id] = frozen
            if directory is not None:
                self._recalled.add(label)
        return frozen is not None

    async def keep_step(self, label: str, frozen: Frozen | None) -> None:
        """The step's `workspace/` in the log (LOG-009)."""
        directory = self.steps(label)
        if directory is not None and frozen is not None:
            await spared("files of a step", self.run.write_step(frozen, directory / "workspace"))
            document = self.changedoc(frozen.id)
            if document:
                guarded("changedoc.md", lambda: write_atomic(directory / "changedoc.md", document))

    async def complete(self, result: TurnResult, final: Path | None) -> None:
        """What the last rounds left undone: files of every answer in the log, and those of the winner in `final`
        where nobody presented (LOG-009)."""
        for answer in result.answers:
            await self.show(answer.number, answer.label, answer.tree)
        chosen = [answer for answer in result.answers if answer.number == result.winner]
        frozen = self.tree(chosen[-1].tree) if chosen else None
        if final is not None and frozen is not None and final.is_dir() and not (final / "workspace").exists():
            await spared("files of a step", self.run.write_step(frozen, final / "workspace"))

    async def finish(self) -> None:
        """Remove what only the run needed."""
        await self.run.finish()


@dataclass(slots=True)
class AgentWork:
    """Implements `AgentFiles` for one agent. `phase` is what its policy allows now.

    On a full disk an answer has no files; they stay in the workspace, which `_unsaved` keeps from being emptied.
    `_restoring` is the tree that a presentation could not begin with: it stands for the half of it that is there.
    """

    team: TeamFiles
    agent_id: str
    number: int
    phase: Phase = "coordination"
    _answers: int = 0
    _unsaved: bool = False
    _restoring: str | None = None

    @property
    def workspace(self) -> Path:
        found = self.team.run.workspace(self.agent_id)
        assert found is not None
        return found

    def private_directory(self) -> Path:
        """Where the agent's private HOME lies for the length of the run."""
        return self.team.run.layout.store / "home" / f"agent{self.number}"

    def policy(self) -> AgentPathPolicy:
        """The policy of the moment; file tools and sandboxes obey it."""
        found = self.team.run.for_agent(self.agent_id, self.phase)
        assert found is not None
        return found

    def notes(self, phase: Phase) -> tuple[PathNote, ...]:
        """The places that prompts list."""
        return self.team.run.path_notes(self.agent_id, phase)

    async def freeze(self, label: str) -> str | None:
        if self._restoring is not None:
            return self._restoring
        document = await asyncio.to_thread(self._sign_changedoc, label) if self.team.changedocs and label else ""
        found: list[str] = []

        async def take() -> None:
            frozen = await self.team.run.freeze(self.agent_id)
            if frozen is not None:
                found.append(self.team.remember(frozen, document))

        self._unsaved = not await spared("the files of an answer", take())
        return found[0] if found else None

    def _sign_changedoc(self, label: str) -> str:
        """Put the answer's label for every `[SELF]` of the change document (COORD-155); its text, empty without one."""
        policy = self.policy()
        try:
            text = read_bytes(policy, CHANGEDOC_FILE, limit=MAX_CHANGEDOC).decode("utf-8", "replace")
            signed = text.replace("[SELF]", label)
            if signed != text:
                replace_file(policy, CHANGEDOC_FILE, signed.encode())
        except (OSError, MassGenError):
            return ""
        return signed

    def changedoc(self, tree: str | None) -> str:
        return self.team.changedoc(tree)

    async def show(self, author: int, label: str, tree: str | None) -> None:
        await self.team.show(author, label, tree)

    def view(self, author: int) -> str:
        path = self.team.run.view_path(self.agent_id, author)
        return str(path) if path is not None else ""

    def rewrite(self, text: str, author: int) -> str:
        return self.team.run.rewrite_paths(text, self.agent_id)

    async def begin_round(self, answers: int, *, kept: bool = False) -> None:
        """After an accepted answer the workspace is emptied; after an abandoned round it stays (COORD-042)."""
        if answers > self._answers and not kept and not self._unsaved:
            await spared("an empty workspace", self.team.run.empty(self.agent_id))
        self._answers = answers
        await self._create_memory()
        if not kept:
            await self.team.run.start_round(self.agent_id)

    async def _create_memory(self) -> None:
        if self.team.memory is not None:
            await asyncio.to_thread(self.team.memory.create, self.agent_id)

    async def memory(self) -> str:
        """The section about all agents' memories."""
        return await self.team.memory.section(self.agent_id) if self.team.memory is not None else ""

    def recent_notes(self) -> str:
        """The text of `memory/short_term/recent.md`, empty without one; blocks."""
        found = read_memories(self.workspace / DIRECTORY)
        return next((one.content for one in found if (one.tier, one.file) == ("short_term", RECENT)), "")

    async def keep_trace(self) -> str:
        """Write the record of the running round into the agent's view of the team; its path."""
        view = self.team.run.view_path(self.agent_id)
        if view is None or self.team.traces is None:
            return ""
        text, path = self.team.traces.running(self.agent_id), view / TRACE_FILE
        written = await asyncio.to_thread(guarded, "a trace for agents", lambda: _write(path, text))
        return str(path) if written else ""

    async def begin_presentation(self, tree: str | None, *, kept: bool = False) -> None:
        """The winning files are back and `write` paths may be written (COORD-101)."""
        self.phase = "presentation"
        self._restoring = tree
        if not kept:
            await self.team.run.restore(self.agent_id, self.team.tree(tree))
        self._restoring = None
        await self._create_memory()

    async def end_presentation(self, tree: str | None) -> None:
        """The final files stand in the log."""
        await self.team.keep_step(f"agent{self.number}.final", self.team.tree(tree))
        self.phase, self._restoring = "coordination", None

    async def changes(self) -> list[FileChange]:
        """What the presenter changed in its project copies, for the review (WS-033)."""
        return await self.team.run.changes(self.agent_id)

    async def apply(self, changes: list[FileChange]) -> Applied:
        """Write approved changes into the user's project."""
        return await self.team.run.apply(self.agent_id, accept_all(changes))


def _read_document(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")[:MAX_CHANGEDOC]
    except OSError:
        return ""


def shares_views(backends: Iterable[BackendConfig], kind: Callable[[], SandboxKind] = local_kind_here) -> bool:
    """Whether what agents see of each other may be hard links to one file: not where a command without a sandbox
    could append to it, and so change what all of them see. `kind` is asked only where commands run locally."""
    local = any(one.enable_mcp_command_line and one.command_line_execution_mode != "docker" for one in backends)
    return not local or kind() != "none"


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomic(path, text)


def checked_contexts(
    config: Config,
    loaded: LoadedConfig,
    launch: Path,
    *,
    hint: Callable[[str], None],
    extra: tuple[RequestedPath, ...] = (),
) -> tuple[ContextPath, ...]:
    """The context paths of the configuration and of flags, checked (WS-050 to WS-057)."""
    wanted = [
        RequestedPath(path=item.path, permission=item.permission, protected_paths=item.protected_paths)
        for item in config.orchestrator.context_paths
    ]
    checked = check_context_paths(
        [*wanted, *extra],
        launch_directory=launch,
        config_directory=loaded.path.parent if loaded.path else None,
        examples_directory=root_directory(),
        missing_protected_is_error=not loaded.lenient,
    )
    for line in checked.hints:
        hint(line)
    if any(path.permission == "write" and (path.protected or path.patterns) for path in checked.paths):
        hint(PROTECTION_NOTICE)
    return checked.paths


def _denied(loaded: LoadedConfig) -> tuple[Path, ...]:
    """Key files and the team file are subtracted from every grant."""
    keys = tuple(path for path, _ in loaded.environment.files)
    return (*keys, loaded.path) if loaded.path is not None else keys
