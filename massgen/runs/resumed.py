"""A `Run` that goes on in the log of a process that died."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from msgspec.structs import replace

from massgen.backends import SharedResources
from massgen.backends.protocol import ModelBackend
from massgen.coordination.directives import Finish
from massgen.engine.clock import RunClock
from massgen.engine.resumption import OpenRound, Resumption
from massgen.engine.team import Team
from massgen.engine.turn import TurnRunner
from massgen.engine.watching import CallCounter
from massgen.errors import ConfigError
from massgen.events.types import ModelCall, SessionResume, SessionStart
from massgen.process import own_start
from massgen.runs.accepting import RecordedReview
from massgen.runs.equipment import Equipped
from massgen.runs.preparation import Preparation
from massgen.runs.request import RunRequest
from massgen.runs.resuming import Recovered
from massgen.runs.run import Run
from massgen.runs.sessions import Session
from massgen.runs.unfinished import human_answers
from massgen.runs.workfiles import FilesOf, TeamFiles
from massgen.workspace.layout import storage_path


@dataclass(slots=True)
class ResumedRun(Run):
    """Made by `resumed`; `prepare` and `execute` as with any run. Same directory, same session, same numbering."""

    recovered: Recovered | None = None

    @property
    def _past(self) -> Recovered:
        assert self.recovered is not None
        return self.recovered

    def _continued(self) -> tuple[Path | None, int]:
        return self._past.log_dir, self._past.next_seq

    def _open_session(self) -> None:
        storage = storage_path(self.config.orchestrator.session_storage, self.request.launch)
        self.session = Session.open(storage, self._past.session_id)
        self.turn = self._past.turn
        self._check_team()

    def _check_team(self) -> None:
        """The agents of the log are those of the configuration, in the same order."""
        start = self._past.events[0].body
        recorded = start.agents if isinstance(start, SessionStart) else ()
        if recorded != self.agents:
            raise ConfigError(
                f"The run's agents were {', '.join(recorded)}; the configuration names {', '.join(self.agents)}.",
                hint="Give the configuration that the run was started with: massgen resume LOG_DIR --config FILE",
            )

    def _announce_start(self) -> None:
        past = self._past
        self.log.recall(past.events)
        for event in past.events:
            if isinstance(event.body, ModelCall):
                self.budget.count(event)
        self.request.human_answers.history += human_answers(past.events)
        self.log.enter(self.turn, past.attempt)
        self.stream.place(self.turn, past.attempt)
        body = SessionResume(pid=os.getpid(), process_started=own_start(), run_time=past.elapsed)
        self.stream.emit(body)

    def _files_of(self) -> FilesOf:
        existing = {name: path for name, path in self._past.workspaces.items() if path.is_dir()}
        return replace(Run._files_of(self), existing=existing)

    async def _open_files(self, files: TeamFiles) -> None:
        await Run._open_files(self, files)
        found = self._past.resumption
        for answer in found.attempt.answers if found is not None else ():
            if answer.tree is not None and not await self._recall(files, answer.agent, answer.label, answer.tree):
                self.warn(f"The files of {answer.label} could not be recovered; its text is kept.")
        final = self._past.final
        if final is not None and final.tree is not None and found is not None and found.presented:
            winner = found.attempt.winner or 0
            if await self._recall(files, winner, final.label, final.tree):
                await files.keep_step(final.label, files.tree(final.tree))

    async def _recall(self, files: TeamFiles, author: int, label: str, tree: str) -> bool:
        def tell(lost: str) -> None:
            self.warn(f"{label} is not as it was given: {lost}.")

        return await files.recall(author, label, tree, tell)

    async def _prepare_team(
        self,
        equipped: Equipped,
        backends: Sequence[ModelBackend],
        resources: SharedResources,
        counter: CallCounter,
    ) -> Preparation:
        """What was prepared is not prepared, and paid, again."""
        if self._past.prepared is None:
            return await Run._prepare_team(self, equipped, backends, resources, counter)
        if self._past.prepared.blocked is not None:
            await equipped.all_tools()
            equipped.block(self._past.prepared.blocked.tools)
        return self._past.prepared

    def _reviewer(self) -> RecordedReview:
        watched = bool(self._past.requested.get("reviewed"))
        return replace(Run._reviewer(self), earlier=self._past.accepted, watched=watched)

    def _turn_runner(self, team: Team, files: TeamFiles, counter: CallCounter) -> TurnRunner:
        runner = Run._turn_runner(self, team, files, counter)
        runner.resume = self._kept(files)
        bring_home = runner.closing

        async def closing(finish: Finish, text: str) -> None:
            await bring_home(finish, text)
            if finish.outcome == "complete":
                self._say_calls()

        runner.closing = closing
        return runner

    def _say_calls(self) -> None:
        """Nobody is there to run the caller's functions."""
        calls = self.request.functions.calls if self.request.functions is not None else ()
        if calls:
            named = ", ".join(f"{call.name}({call.arguments})" for call in calls)
            self.warn(
                f"Instead of a final answer the team wants the caller to run {named}. The caller is gone, so nothing "
                "was run; to go on, ask again and give the results."
            )

    def _kept(self, files: TeamFiles) -> Resumption | None:
        """Rounds go on whose files are still where they were; another one begins again."""
        found = self._past.resumption
        if found is None:
            return None
        places = self._past.workspaces
        there = {number for number, work in files.agents.items() if places.get(work.agent_id) == work.workspace}

        def goes_on(number: int, one: OpenRound) -> bool:
            return number not in files.agents or number in there or not one.touched

        rounds = {number: one for number, one in found.rounds.items() if goes_on(number, one)}
        closing = found.closing
        presenter = found.pending.agent if found.pending is not None else 0
        if closing is not None and not goes_on(presenter, closing):
            closing = None
        return replace(found, rounds=rounds, closing=closing)


def resumed(request: RunRequest, recovered: Recovered) -> ResumedRun:
    """The run to go on with; run time continues where the log ends."""
    return ResumedRun(request, clock=RunClock(recovered.elapsed), recovered=recovered)
