"""A `Run` that goes on in the log of a process that died."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from massgen.engine.clock import RunClock
from massgen.engine.team import Team
from massgen.engine.turn import TurnRunner
from massgen.engine.watching import CallCounter
from massgen.errors import ConfigError
from massgen.events.types import ModelCall, SessionResume, SessionStart
from massgen.runs.process import own_start
from massgen.runs.request import RunRequest
from massgen.runs.resuming import Recovered
from massgen.runs.run import Run
from massgen.runs.sessions import Session
from massgen.runs.workfiles import TeamFiles
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
        self.log.enter(self.turn, past.attempt)
        self.stream.place(self.turn, past.attempt)
        body = SessionResume(pid=os.getpid(), process_started=own_start(), run_time=past.elapsed)
        self.stream.emit(body, durable=True)

    async def _show_earlier_turns(self, files: TeamFiles) -> None:
        await Run._show_earlier_turns(self, files)
        found = self._past.resumption
        for answer in found.attempt.answers if found is not None else ():
            if answer.tree is not None and not await files.recall(answer.agent, answer.label, answer.tree):
                self.warn(f"The files of {answer.label} could not be recovered; its text is kept.")

    def _turn_runner(self, team: Team, files: TeamFiles, counter: CallCounter) -> TurnRunner:
        runner = Run._turn_runner(self, team, files, counter)
        runner.resume = self._past.resumption
        return runner


def resumed(request: RunRequest, recovered: Recovered) -> ResumedRun:
    """The run to go on with; run time continues where the log ends."""
    return ResumedRun(request, clock=RunClock(recovered.elapsed), recovered=recovered)
