"""One call = one turn: configuration and question in; events, files and a result out.

    run = Run(request); run.prepare(); result = await run.execute()

A follow-up turn names the end of the run before it as `previous`: it goes on in the same session and the same log
directory. It does not hold that run: a long session would hold them all.

Doors subscribe to `run.stream` between the two. `cancel` may be called from the loop's thread at any time.
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path

from msgspec import Struct

from massgen import paths
from massgen.backends import Connections, SharedResources, check_backend, prefetch_backends, prefetch_prices
from massgen.backends.protocol import Message, ModelBackend
from massgen.config import Config, Redactor
from massgen.config.running import ready_config
from massgen.coordination.criteria import DEFAULT_CRITERIA
from massgen.coordination.directives import Finish
from massgen.engine.budget import Budget
from massgen.engine.clock import Clock, RunClock
from massgen.engine.preparing.oneshot import Asker
from massgen.engine.team import Question, Team
from massgen.engine.turn import TurnResult, TurnRunner
from massgen.engine.watching import CallCounter
from massgen.errors import EXIT_EXECUTION, ConfigError, ExecutionError, MassGenError
from massgen.events.continuing import Prepared, Requested, WorkspacesOpened
from massgen.events.stream import EventStream
from massgen.events.types import ErrorOccurred, SessionEnd, SessionStart, Warned
from massgen.process import own_start
from massgen.runs.accepting import RecordedReview
from massgen.runs.archive import CallFiles
from massgen.runs.broadcasting import with_broadcasts
from massgen.runs.criteria import CHECKLIST_NOTICE, with_checklist
from massgen.runs.earlier import show_earlier_turns
from massgen.runs.equipment import EquipmentNeeds, Equipped, equip
from massgen.runs.keeping import TurnKeeper, masked
from massgen.runs.logbook import Logbook
from massgen.runs.preparation import Preparation, Preparer, keep_criteria, preparation_record
from massgen.runs.request import RunRequest, RunResult
from massgen.runs.requested import request_record
from massgen.runs.results import first_error, result_of
from massgen.runs.reviewing import ProjectChanges
from massgen.runs.rules import budget_of, limits_of
from massgen.runs.sessions import Session
from massgen.runs.team import TeamPlan, build_team, create_backends, wanted_team, with_workspaces
from massgen.runs.workfiles import AgentWork, FilesOf, TeamFiles
from massgen.tools.arguments import prefetch_checks
from massgen.workspace.layout import storage_path

log = logging.getLogger(__name__)


class TurnEnd(Struct, frozen=True, kw_only=True):
    """Where a turn left off: what the next one in its session goes on from. `next_seq` numbers its first event."""

    session: Session
    turn: int
    log_dir: Path
    next_seq: int


@dataclass(slots=True)
class Run:
    """See the module. Raises only from `prepare`; what happens later is in the result."""

    request: RunRequest
    clock: Clock = field(default_factory=RunClock)
    previous: TurnEnd | None = None
    connections: Connections | None = None
    config: Config = field(init=False)
    session: Session = field(init=False)
    turn: int = field(init=False, default=1)
    log: Logbook = field(init=False)
    budget: Budget = field(init=False)
    stream: EventStream = field(init=False)
    _runner: TurnRunner | None = field(init=False, default=None)
    _keeper: TurnKeeper = field(init=False)
    _early: list[tuple[str, str | None]] = field(init=False, default_factory=list)
    _cancelled: bool = field(init=False, default=False)
    _skipped: list[str] = field(init=False, default_factory=list)
    _notices: tuple[str, ...] = field(init=False, default=())
    _warnings: tuple[str, ...] = field(init=False, default=())

    @property
    def log_dir(self) -> Path:
        return self.log.tree.root

    @property
    def end(self) -> TurnEnd:
        """For the run of the next turn, once this one has ended."""
        return TurnEnd(session=self.session, turn=self.turn, log_dir=self.log_dir, next_seq=self.stream.next_seq)

    @property
    def agents(self) -> tuple[str, ...]:
        return tuple(agent.id for agent in self.config.agents)

    @property
    def time_limit(self) -> float | None:
        """The orchestrator timeout in seconds."""
        return limits_of(self.config).run

    def prepare(self) -> None:
        """Check everything that can be checked without a model call, then make the log directory.

        Raises `ConfigError` (exit code 1) or `StorageError`; nothing is on disk after a `ConfigError`.
        """
        request = self.request
        ready = ready_config(request.loaded)
        self.config = wanted_team(ready.config, request)
        if request.context_paths:
            self.config = with_workspaces(self.config)
        self.config, switched = with_checklist(self.config) if request.criteria else (self.config, False)
        if not request.question.strip():
            raise ConfigError("The question is empty.", hint='Give one: massgen "your question"')
        for agent in self.config.agents:
            check_backend(agent.backend, environ=request.loaded.environment)
        self._open_session()
        redactor = Redactor.for_run(request.loaded.values, request.loaded.environment)
        root, first_seq = self._continued()
        keep_logs = request.logs and (request.automation or self.config.ui.logging_enabled)
        self.log = Logbook.create(
            paths.logs_directory(request.launch),
            redactor,
            text_logs=keep_logs,
            debug=request.debug,
            status_file=request.status_file,
            root=root,
        )
        self.stream = EventStream(
            self.log.tree.directory if keep_logs else None,
            first_seq=first_seq,
            redact=redactor.text if redactor.pattern else None,
        )
        self.log.attach(self.stream, request, self.config, self.session.session_id)
        self._notices = ready.notices
        self._warnings = (CHECKLIST_NOTICE,) if switched else ()
        self.budget = budget_of(self.config)
        self.stream.subscribe(self.budget.count)
        self._keeper = TurnKeeper(
            session=self.session,
            turn=self.turn,
            config=self.config,
            config_path=request.loaded.path,
            log_dir=self.log_dir,
        )

    def _continued(self) -> tuple[Path | None, int]:
        """The log directory that this turn goes on in, None for a new one, and the number of its first event."""
        return (None, 1) if self.previous is None else (self.previous.log_dir, self.previous.next_seq)

    def _open_session(self) -> None:
        """The named session goes on; without a name a new one begins (SESS-084, SESS-085)."""
        request = self.request
        if self.previous is not None:
            self.session = self.previous.session
            self.turn = max(self.previous.turn + 1, self.session.next_turn())
            return
        storage = storage_path(self.config.orchestrator.session_storage, request.launch)
        wanted = request.session_id or self.config.session_id
        if wanted:
            self.session = Session.open(storage, wanted)
            self.turn = self.session.next_turn()
        else:
            self.session = Session.create(storage, prefix=request.session_prefix)

    def cancel(self) -> None:
        """Stop model calls and keep what there is; the result says `cancelled` (COORD-123)."""
        self._cancelled = True
        if self._runner is not None:
            self._runner.cancel()

    def inject(self, text: str, agent_id: str | None = None) -> None:
        """A person's words for one agent, or for all; each hears them at its next safe point (SESS-045)."""
        said = (self.log.redact(text), agent_id)
        if self._runner is not None:
            self._runner.inject(*said)
        else:
            self._early.append(said)

    def skip(self, agent_id: str) -> bool:
        """An agent stops its work and is out for this turn; its answers stay. False: there is no such agent."""
        self._skipped.append(agent_id)
        return self._runner.skip(agent_id) if self._runner is not None else agent_id in self.agents

    @property
    def unheard(self) -> tuple[str, ...]:
        """What was said and no agent heard: the next question (SESS-046)."""
        told = [said.text for said in self._runner.said if not said.heard] if self._runner is not None else []
        return (*(text for text, _ in self._early), *told)

    async def execute(self) -> RunResult:
        """Coordinate, present, write everything; returns also after failure, timeout and cancellation."""
        self.log.text.activate()
        self._keeper.begin()
        self._announce_start()
        for notice in self._notices:
            log.info("%s", self.log.redact(notice))
        for warning in self._warnings:
            self.warn(warning)
        self.log.status.start()
        turn: TurnResult | None = None
        try:
            turn = await self._turn()
        except* MassGenError as group:
            turn = self._failed(first_error(group))
            await self._keeper.keep(turn, self.log.state, None)
        except* Exception as group:
            log.error("exception in a run", exc_info=group)
            turn = self._failed(ExecutionError(f"Internal error: {first_error(group)!r}"))
            await self._keeper.keep(turn, self.log.state, None)
        finally:
            self.stream.close()
        return self._result(turn or self._failed(ExecutionError("The run ended without a result.")))

    def _announce_start(self) -> None:
        self.log.enter(self.turn, 1)
        self.stream.place(self.turn, 1)
        body = SessionStart(
            question=self.request.question,
            agents=self.agents,
            models=tuple(agent.backend.model or "" for agent in self.config.agents),
            session_id=self.session.session_id,
            mode=self.config.orchestrator.coordination_mode,
            timeout_seconds=limits_of(self.config).run,
            pid=os.getpid(),
            process_started=own_start(),
        )
        self.stream.emit(body)
        self.stream.emit(Requested(values=request_record(self.request, self.stream.keep)))

    async def _turn(self) -> TurnResult:
        sections = [agent.backend for agent in self.config.agents]
        async with asyncio.TaskGroup() as group, AsyncExitStack() as stack:
            imports = group.create_task(asyncio.to_thread(prefetch_backends, sections, self.request.loaded.environment))
            equipped = await equip(self._needs(), stack)
            await imports
            group.create_task(asyncio.to_thread(prefetch_prices))
            if equipped.toolboxes:
                group.create_task(asyncio.to_thread(prefetch_checks))
            resources = await stack.enter_async_context(SharedResources(connections=self.connections))
            backends = create_backends(self.config, self.request.loaded, resources)
            counter = CallCounter()
            ready = await self._prepare_team(equipped, backends, resources, counter)
            plan = TeamPlan.of(self.request, equipment=equipped.kits, ready=ready)
            team, broadcasts = with_broadcasts(
                build_team(self.config, backends, plan),
                self.request,
                wanted=self.config.orchestrator.coordination,
                asker=self._asker(counter),
                warn=self.warn,
            )
            self._runner = self._turn_runner(team, equipped.files, counter)
            if broadcasts is not None:
                broadcasts.table = self._runner
            while self._early:
                self._runner.inject(*self._early.pop(0))
            for agent_id in self._skipped:
                self._runner.skip(agent_id)
            if self._cancelled:
                self._runner.cancel()
            result = masked(await self._runner.run(), self.log.redact)
            winner = self.agents[result.winner - 1] if result.winner is not None else None
            await equipped.files.complete(result, self.log.answer_file(winner).parent if winner else None)
            await self._keeper.keep(result, self.log.state, equipped.files)
            return result

    async def _open_files(self, files: TeamFiles) -> None:
        """Before anything is granted: who works where, and what earlier turns left."""
        if files.agents:
            places = {work.agent_id: str(work.workspace) for work in files.agents.values()}
            self.stream.emit(WorkspacesOpened(paths=places))
        if files.agents and self.turn > 1:
            await show_earlier_turns(files, self.session.turns(), self.agents)

    def _files_of(self) -> FilesOf:
        return FilesOf(log_dir=self.log_dir, turn=self.turn, logged=self.log.text_logs)

    def _needs(self) -> EquipmentNeeds:
        return EquipmentNeeds(
            config=self.config,
            loaded=self.request.loaded,
            launch=self.request.launch,
            warn=self.warn,
            redact=self.log.redact,
            log_directory=lambda: self.log.tree.here,
            steps=lambda label: self.log.steps.steps.get(label),
            stream=self.stream,
            session=self.session.root,
            earlier=self._open_files,
            files_of=self._files_of(),
            extra_paths=self.request.context_paths,
            ask_human=self.request.ask_human,
            human_answers=self.request.human_answers,
        )

    async def _prepare_team(
        self,
        equipped: Equipped,
        backends: Sequence[ModelBackend],
        resources: SharedResources,
        counter: CallCounter,
    ) -> Preparation:
        """Everything worked out before the first round; `--model` runs have nothing to prepare."""
        if self.request.plain:
            return Preparation()
        preparer = Preparer(
            config=self.config,
            loaded=self.request.loaded,
            backends=backends,
            resources=resources,
            asker=self._asker(counter),
            warn=self.warn,
            given=self.request.criteria,
        )
        planning = self.config.orchestrator.coordination.enable_planning_mode
        tools = await equipped.all_tools() if planning else []
        ready = await preparer.prepare(self.request.question, [tool.spec for tool in tools])
        if ready.blocked is not None:
            blocked = equipped.block(ready.blocked.tools)
            state = f"ENABLED; blocked until the presentation: {', '.join(blocked)}" if blocked else "DISABLED"
            self.warn(f"Planning Mode: {state} ({ready.blocked.reasoning})")
        if ready.criteria != DEFAULT_CRITERIA:
            keep_criteria(ready.criteria, self.log.tree.here)
        if ready != Preparation():
            self.stream.emit(Prepared(values=preparation_record(ready)), durable=True)
        return ready

    def _asker(self, counter: CallCounter) -> Asker:
        return Asker(stream=self.stream, counter=counter, archive=self._archive())

    def _archive(self) -> CallFiles | None:
        files = CallFiles(lambda: self.log.tree.here, self.log.redact, self.log.steps.abridged)
        return files if self.log.text_logs else None

    def _reviewer(self) -> RecordedReview:
        return RecordedReview(reviewer=self.request.review, stream=self.stream)

    def _turn_runner(self, team: Team, files: TeamFiles, counter: CallCounter) -> TurnRunner:
        request = self.request
        changes = ProjectChanges(reviewer=self._reviewer(), warn=self.warn)

        async def closing(finish: Finish, text: str) -> None:
            work = files.agents.get(finish.winner or 0)
            if work is not None:
                await self._keep_files(work, finish)
            if finish.outcome == "complete" and text and work is not None:
                await changes.bring_home(work, self.log.answer_file(work.agent_id).parent)

        return TurnRunner(
            team=team,
            question=Question(text=self.log.redact(request.question), history=self._history(), media=request.media),
            stream=self.stream,
            clock=self.clock,
            turn=self.turn,
            archive=self._archive(),
            counter=counter,
            on_attempt=self.log.enter,
            closing=closing,
            budget=self.budget if self.budget.limited else None,
        )

    async def _keep_files(self, work: AgentWork, finish: Finish) -> None:
        """The chosen answer's files stand in its step, and in `final/` where it is delivered as it was (LOG-009)."""
        chosen = next((answer for answer in self.log.state.answers if answer.label == finish.label), None)
        if chosen is None:
            return
        await work.show(work.number, chosen.label, chosen.tree)
        if not finish.presented:
            await work.team.keep_step(f"agent{work.number}.final", work.team.tree(chosen.tree))

    def _history(self) -> tuple[Message, ...]:
        """The session so far, then what the door adds."""
        earlier = self.session.history(since=self.request.history_since) if self.turn > 1 else ()
        return (*earlier, *self.request.history)

    def _failed(self, error: MassGenError) -> TurnResult:
        """Something below the agents failed: said in the log, told as a result."""
        self.stream.emit(ErrorOccurred(error_type=type(error).__name__, message=str(error)))
        code = error.exit_code or EXIT_EXECUTION
        self.stream.emit(SessionEnd(exit_code=code, reason="error", message=str(error)), durable=True)
        return TurnResult(outcome="failed", exit_code=code, message=str(error))

    def warn(self, text: str) -> None:
        """Something a person should know, in the log."""
        self.stream.emit(Warned(text=text))

    def _result(self, turn: TurnResult) -> RunResult:
        return result_of(turn, self.log, agents=self.agents, session_id=self.session.session_id, number=self.turn)
