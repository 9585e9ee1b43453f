"""Step directories and the final answer: what was said at each answer and vote, with what its author saw."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from massgen.events.types import AttemptStart, Event, FinalAnswer, NewAnswer, OrchestrationRestart, SessionEnd, Vote
from massgen.views.files import guarded, link, safe_name, write_atomic, write_json
from massgen.views.moments import iso, moment
from massgen.views.run_state import AnswerView, RunState
from massgen.views.trace import render_trace
from massgen.views.transcript import RoundView, Transcript
from massgen.views.tree import STAMP, LogTree

LONG_TEXT = 16384
LONG_QUOTE = 4096


class StepWriter:
    """Subscriber; `state` has already taken the event (LOG-006, LOG-007, LOG-011, LOG-013, LOG-015).

    `steps` maps labels to the directories of the running attempt. Equal files are one file with several names.
    Without `texts` (LOG-018) neither traces nor `agent_outputs/` are written.
    """

    def __init__(self, state: RunState, tree: LogTree, redact: Callable[[str], str], *, texts: bool = True) -> None:
        self._state = state
        self._tree = tree
        self._redact = redact
        self._texts = texts
        self._transcript = Transcript()
        self._mapping: dict[str, dict[str, Any]] = {}
        self._contexts: dict[tuple[str, ...], Path] = {}
        self._votes: dict[str, int] = {}
        self.steps: dict[str, Path] = {}

    def __call__(self, event: Event) -> None:
        if self._texts:
            self._transcript.apply(event)
        match event.body:
            case AttemptStart():
                self._mapping, self._contexts, self._votes, self.steps = {}, {}, {}, {}
            case NewAnswer() as body:
                answer = self._state.answers[-1]
                if self._step(event, body.label, "answer", answer.text, body.context) and body.tree is not None:
                    answer.workspace_path = str(self._mapping[body.label]["workspace_path"])
            case Vote() as body:
                self._vote(event, body)
            case FinalAnswer():
                self._final(event)
            case SessionEnd() | OrchestrationRestart():
                self._unfinished(event)
            case _:
                return

    def recall(self, event: Event) -> None:
        """Take an event of an ended process; a step whose files it could not finish is written now."""
        name = event.agent_id or ""
        match event.body:
            case AttemptStart():
                self(event)
                self._reload()
            case NewAnswer(label=label) if label in self._mapping:
                self._pass_over(event)
                self._state.answers[-1].workspace_path = str(self._mapping[label]["workspace_path"] or "")
            case Vote() if self._next_vote(name) in self._mapping:
                self._pass_over(event)
                self._votes[name] = self._votes.get(name, 0) + 1
            case FinalAnswer(label=label) if label in self._mapping:
                self._pass_over(event)
            case _:
                self(event)

    def _pass_over(self, event: Event) -> None:
        if self._texts:
            self._transcript.apply(event)
            self._transcript.take(event.agent_id or "")

    def _reload(self) -> None:
        """What `snapshot_mappings.json` of the running attempt names, as far as its files are there."""
        try:
            found = json.loads((self._tree.here / "snapshot_mappings.json").read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return
        for label, entry in found.items() if isinstance(found, dict) else ():
            path = self._tree.here / str(entry["path"]) if isinstance(entry, dict) and "path" in entry else None
            if path is not None and path.is_file():
                self._mapping[label] = {"workspace_path": None, **entry}
                self.steps[label] = path.parent

    def _next_vote(self, name: str) -> str:
        """The label of an agent's next vote in `snapshot_mappings.json`."""
        agent = self._state.agents.get(name)
        return f"agent{agent.number if agent else 0}.vote{self._votes.get(name, 0) + 1}"

    def abridged(self, text: str) -> str:
        """`text` with the names of their files in the place of long answers of this attempt."""
        for answer in self._state.answers:
            place = self._mapping.get(answer.label, {}).get("path")
            if len(answer.text) > LONG_QUOTE and place is not None:
                text = text.replace(answer.text, f"[{answer.label}: {len(answer.text)} characters, {place}]")
        return text

    def _vote(self, event: Event, body: Vote) -> None:
        name = event.agent_id or ""
        label = self._next_vote(name)
        self._votes[name] = self._votes.get(name, 0) + 1
        text = f"Voted for {body.label}\n\n{body.reason}\n"
        self._step(event, label, "vote", text, body.context)

    def _step(self, event: Event, label: str, kind: str, text: str, context: tuple[str, ...]) -> bool:
        inner = self._free_name(event)
        directory = self._tree.here / inner
        rounds = self._transcript.take(event.agent_id or "")
        name = "answer.txt" if kind == "answer" else "vote.txt"

        def write() -> None:
            directory.mkdir(parents=True)
            write_atomic(directory / name, text)

        def write_rest() -> None:
            if kind == "vote":
                _same(directory / name, directory / "answer.txt")
            self._write_context(directory, context)
            self._write_trace(directory, event, rounds, text if kind == "answer" else "")

        if not guarded("a step of the log", write):
            return False
        guarded("a step of the log", write_rest)
        self.steps[label] = directory
        tree = event.body.tree if isinstance(event.body, NewAnswer) else None
        self._map(event, label, kind, f"{inner}/{name}", f"{inner}/workspace" if tree is not None else None)
        return True

    def _free_name(self, event: Event) -> str:
        """`<agent>/<stamp>` that is not taken: two steps in one microsecond do not share a directory."""
        agent = safe_name(event.agent_id or "")
        stamp = f"{moment(event.timestamp):{STAMP}}"
        while (self._tree.here / agent / stamp).exists():
            stamp = f"{stamp[:-6]}{(int(stamp[-6:]) + 1) % 1_000_000:06d}"
        return f"{agent}/{stamp}"

    def _write_context(self, directory: Path, labels: tuple[str, ...]) -> None:
        target = directory / "context.txt"
        earlier = self._contexts.get(labels)
        if earlier is not None and _same(earlier, target):
            return
        write_atomic(target, self._context(labels))
        self._contexts[labels] = target

    def _context(self, labels: tuple[str, ...]) -> str:
        """The question and the answers; one too long to repeat is named by its file."""
        shown = {answer.label: answer for answer in self._state.answers}
        parts = [f"QUESTION\n{self._state.question}\n"]
        parts += [f"ANSWER {label}\n{self._shown_text(shown.get(label))}\n" for label in labels]
        return "\n".join(parts)

    def _shown_text(self, answer: AnswerView | None) -> str:
        if answer is None:
            return ""
        place = self._mapping.get(answer.label, {}).get("path")
        if len(answer.text) <= LONG_TEXT or place is None:
            return answer.text
        return f"{answer.text[:LONG_TEXT]}\n... {len(answer.text)} characters; all of them are in {place}"

    def _write_trace(self, directory: Path, event: Event, rounds: list[RoundView], answer: str) -> None:
        if self._texts:
            name = event.agent_id or ""
            model = self._state.agents[name].model if name in self._state.agents else ""
            text = render_trace(name, model or "unknown", rounds, answer=answer)
            write_atomic(directory / "execution_trace.md", self._redact(text))

    def _final(self, event: Event) -> None:
        """`final/<winner>/`: complete before anything says that there is a winner (AUTO-008, AUTO-071)."""
        name = safe_name(event.agent_id or "")
        directory = self._tree.here / "final" / name
        labels = tuple(agent.answers[-1].label for agent in self._state.agents.values() if agent.answers)
        text = self._redact(self._state.final_text())
        final = self._state.final
        repeated = (answer.label for answer in self._state.answers if answer.text == text)
        source = self.steps.get(next(repeated, ""))
        rounds = self._transcript.take(event.agent_id or "")

        def write() -> None:
            directory.mkdir(parents=True, exist_ok=True)
            if source is None or not _same(source / "answer.txt", directory / "answer.txt"):
                write_atomic(directory / "answer.txt", text)

        def write_rest() -> None:
            self._write_context(directory, labels)
            if rounds:
                self._write_trace(directory, event, rounds, text)

        if guarded("the final answer", write):
            guarded("a step of the log", write_rest)
            label = final.label if final is not None else "final"
            self.steps[label] = directory
            tree = f"final/{name}/workspace" if final is not None and final.tree is not None else None
            self._map(event, label, "final", f"final/{name}/answer.txt", tree)
            if self._texts:
                guarded("agent_outputs", lambda: self._presentation(name, directory / "answer.txt"))

    def _presentation(self, name: str, answer: Path) -> None:
        outputs = self._tree.here / "agent_outputs"
        outputs.mkdir(exist_ok=True)
        target = outputs / f"final_presentation_{name}.txt"
        if not _same(answer, target):
            write_atomic(target, answer.read_bytes().decode("utf-8", "replace"))
        link(outputs / f"final_presentation_{name}_latest.txt", target.name)

    def _unfinished(self, event: Event) -> None:
        """What agents did after their last step is kept too: a failure is what people look for."""
        for name in list(self._transcript.agents):
            rounds = self._transcript.take(name)
            if not any(one.pieces for one in rounds):
                continue
            own = Event(
                seq=event.seq,
                timestamp=event.timestamp,
                turn=event.turn,
                attempt=event.attempt,
                agent_id=name,
                round=event.round,
                body=event.body,
            )
            directory = self._tree.here / self._free_name(own)

            def write(directory: Path = directory, own: Event = own, rounds: list[RoundView] = rounds) -> None:
                directory.mkdir(parents=True)
                self._write_trace(directory, own, rounds, "")

            guarded("a step of the log", write)

    def _map(self, event: Event, label: str, kind: str, path: str, workspace: str | None) -> None:
        self._mapping[label] = {
            "type": kind,
            "agent_id": event.agent_id,
            "timestamp": iso(event.timestamp),
            "path": path,
            "workspace_path": workspace,
        }
        target = self._tree.here / "snapshot_mappings.json"
        guarded("snapshot_mappings.json", lambda: write_json(target, self._mapping))


def _same(source: Path, target: Path) -> bool:
    """Give a file that never changes a second name; says whether that worked."""
    with contextlib.suppress(FileNotFoundError):
        target.unlink()
    try:
        os.link(source, target, follow_symlinks=False)
    except OSError:
        return False
    return True
