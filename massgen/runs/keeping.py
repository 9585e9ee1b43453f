"""Keeps a turn in its session: answer, metadata and files, complete or cut off."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from msgspec.structs import replace

from massgen.config import Config
from massgen.engine.turn import TurnResult
from massgen.runs import registry
from massgen.runs.sessions import PartialAnswer, Session, StoredTurn
from massgen.runs.workfiles import AgentWork, TeamFiles
from massgen.views.files import guarded, safe_name, spared
from massgen.views.run_state import RunState

STATUS = {"complete": "completed", "cancelled": "interrupted", "timeout": "completed", "failed": "failed"}


def masked(result: TurnResult, redact: Callable[[str], str]) -> TurnResult:
    """A result without secrets: what programs get and sessions keep is masked like the log (invariant 11)."""
    answers = tuple(replace(answer, text=redact(answer.text)) for answer in result.answers)
    votes = tuple(replace(vote, reason=redact(vote.reason)) for vote in result.votes)
    return replace(result, text=redact(result.text), answers=answers, votes=votes, message=redact(result.message))




@dataclass(slots=True)
class TurnKeeper:
    """`begin` when the turn starts, `keep` when it has a result and the files are still there."""

    session: Session
    turn: int
    config: Config
    config_path: Path | None
    log_dir: Path
    started: str = ""

    def begin(self) -> None:
        """The session is in the registry as active."""
        self.started = datetime.now().isoformat(timespec="seconds")
        self._register("active")

    def _register(self, status: str) -> None:
        models = dict.fromkeys(agent.backend.model or agent.backend.type for agent in self.config.agents)
        registry.record(
            registry.Entry(
                session_id=self.session.session_id,
                status=status,
                started=self.started,
                model=", ".join(models),
                config=str(self.config_path) if self.config_path else "",
                directory=str(self.session.root),
            )
        )

    async def keep(self, result: TurnResult, state: RunState, files: TeamFiles | None) -> None:
        """Write the turn. Called also after failure, with what there is."""
        complete = result.outcome == "complete"
        directory = self.session.directory(self.turn)
        if files is not None and files.agents:
            await spared("the session's files", self._keep_files(result, complete, directory, files))
        partial = () if complete else self._partial(state, directory)
        stored = StoredTurn(
            number=self.turn,
            task=state.question,
            answer=result.text,
            winner=self.config.agents[result.winner - 1].id if result.winner else None,
            complete=complete,
            phase=state.phase,
            timestamp=datetime.now().isoformat(),
            log_dir=str(self.log_dir / f"turn_{self.turn}"),
            directory=directory,
            partial=partial,
        )
        votes = {name: agent.vote.agent for name, agent in state.agents.items() if agent.vote is not None}
        self.session.save(stored, {"voting": votes, "exit_code": result.exit_code, "reason": result.outcome})
        guarded("the session", lambda: self._copy_logs(directory))
        self._register(STATUS[result.outcome])

    def _copy_logs(self, directory: Path) -> None:
        """Coordination events and agents' outputs as they stand in the log."""
        attempts = sorted((self.log_dir / f"turn_{self.turn}").glob("attempt_*"), key=lambda path: len(path.name))
        if not attempts:
            return
        events = attempts[-1] / "coordination_events.json"
        if events.is_file():
            shutil.copyfile(events, directory / "coordination_log.json")
        outputs = attempts[-1] / "agent_outputs"
        for agent in self.config.agents:
            source = outputs / f"{safe_name(agent.id)}.txt"
            if source.is_file():
                (directory / "agent_outputs").mkdir(exist_ok=True)
                shutil.copyfile(source, directory / "agent_outputs" / source.name)

    async def _keep_files(
        self, result: TurnResult, complete: bool, directory: Path, files: TeamFiles
    ) -> None:
        if complete:
            work = files.agents.get(result.winner or 0)
            if work is not None:
                await self._keep_workspace(work, directory / "workspace")
            return
        for work in files.agents.values():
            await self._keep_workspace(work, directory / "workspaces" / safe_name(work.agent_id))

    @staticmethod
    async def _keep_workspace(work: AgentWork, target: Path) -> None:
        tree = await work.freeze("")
        frozen = work.team.tree(tree)
        if frozen is not None and frozen.tree.files:
            await work.team.run.store.materialise(frozen.tree, target, links=False)

    def _partial(self, state: RunState, directory: Path) -> tuple[PartialAnswer, ...]:
        found = []
        for name, agent in state.agents.items():
            latest = agent.answers[-1] if agent.answers else None
            workspace = directory / "workspaces" / safe_name(name)
            found.append(
                PartialAnswer(
                    agent_id=name,
                    number=agent.number,
                    answer=latest.text if latest else None,
                    label=latest.label if latest else None,
                    voted_for=agent.vote.agent if agent.vote else None,
                    workspace=workspace if workspace.is_dir() else None,
                    timestamp=datetime.fromtimestamp(latest.timestamp).isoformat() if latest else "",
                )
            )
        return tuple(found)
