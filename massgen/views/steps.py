"""Step directories and the final answer: what was said at each answer and vote, with what its author saw."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

from massgen.events.types import AttemptStart, Event, FinalAnswer, NewAnswer, Vote
from massgen.views.files import guarded, safe_name, write_atomic, write_json
from massgen.views.run_state import AnswerView, RunState
from massgen.views.tree import STAMP, LogTree


class StepWriter:
    """Subscriber; `state` has already taken the event (LOG-006, LOG-013, LOG-015)."""

    def __init__(self, state: RunState, tree: LogTree) -> None:
        self._state = state
        self._tree = tree
        self._mapping: dict[str, dict[str, Any]] = {}
        self._votes = 0
        self.steps: dict[str, Path] = {}

    def __call__(self, event: Event) -> None:
        match event.body:
            case AttemptStart():
                self._mapping, self._votes = {}, 0
            case NewAnswer() as body:
                text = self._state.answers[-1].text
                self._step(event, body.label, "answer", text, body.context)
                self._state.answers[-1].workspace_path = self._workspace_path(body.label)
            case Vote() as body:
                self._votes += 1
                number = self._state.agents[event.agent_id or ""].number
                text = f"Voted for {body.label}\n\n{body.reason}\n"
                self._step(event, f"agent{number}.vote{self._votes}", "vote", text, body.context)
            case FinalAnswer():
                self._final(event)
            case _:
                return

    def _workspace_path(self, label: str) -> str:
        return str(self._mapping[label]["workspace_path"]) if label in self._mapping else ""

    def _step(self, event: Event, label: str, kind: str, text: str, context: tuple[str, ...]) -> None:
        stamp = f"{datetime.fromtimestamp(event.timestamp):{STAMP}}"
        inner = f"{safe_name(event.agent_id or '')}/{stamp}"
        directory = self._tree.here / inner
        while directory.exists():
            stamp = f"{stamp[:-6]}{(int(stamp[-6:]) + 1) % 1_000_000:06d}"
            inner = f"{safe_name(event.agent_id or '')}/{stamp}"
            directory = self._tree.here / inner
        name = "answer.txt" if kind == "answer" else "vote.txt"

        def write() -> None:
            directory.mkdir(parents=True)
            write_atomic(directory / name, text)
            if kind == "vote":
                write_atomic(directory / "answer.txt", text)
            write_atomic(directory / "context.txt", self._context(context))

        if guarded("a step of the log", write):
            self.steps[label] = directory
            self._map(event, label, kind, f"{inner}/{name}", f"{inner}/workspace")

    def _context(self, labels: tuple[str, ...]) -> str:
        shown = {answer.label: answer for answer in self._state.answers}
        parts = [f"QUESTION\n{self._state.question}\n"]
        parts += [f"ANSWER {label}\n{_text(shown.get(label))}\n" for label in labels]
        return "\n".join(parts)

    def _final(self, event: Event) -> None:
        """`final/<winner>/`: complete before anything says that there is a winner (AUTO-008, AUTO-071)."""
        name = safe_name(event.agent_id or "")
        directory = self._tree.here / "final" / name
        labels = tuple(agent.answers[-1].label for agent in self._state.agents.values() if agent.answers)

        def write() -> None:
            directory.mkdir(parents=True, exist_ok=True)
            write_atomic(directory / "context.txt", self._context(labels))
            write_atomic(directory / "answer.txt", self._state.final_text())

        if guarded("the final answer", write):
            label = self._state.final.label if self._state.final else "final"
            self.steps[label] = directory
            self._map(event, label, "final", f"final/{name}/answer.txt", f"final/{name}/workspace")

    def _map(self, event: Event, label: str, kind: str, path: str, workspace: str) -> None:
        self._mapping[label] = {
            "type": kind,
            "agent_id": event.agent_id,
            "timestamp": f"{datetime.fromtimestamp(event.timestamp).isoformat(timespec='seconds')}",
            "path": path,
            "workspace_path": workspace,
        }
        target = self._tree.here / "snapshot_mappings.json"
        guarded("snapshot_mappings.json", lambda: write_json(target, self._mapping))


def _text(answer: AnswerView | None) -> str:
    return answer.text if answer is not None else ""
