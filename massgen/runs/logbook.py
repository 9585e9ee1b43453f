"""All views that a run writes to its log directory, in the order that their promises need."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

from massgen.config import Config, Redactor
from massgen.events.stream import EventStream
from massgen.events.types import AttemptStart, Event, SessionEnd
from massgen.runs.metadata import write_metadata
from massgen.runs.request import RunRequest
from massgen.runs.textlog import TextLog
from massgen.views.agent_outputs import AgentOutputs
from massgen.views.coordination_files import CoordinationFiles
from massgen.views.files import safe_name, tell_again
from massgen.views.metrics import MetricsFile
from massgen.views.run_state import RunState
from massgen.views.shield import Shielded
from massgen.views.status import StatusWriter
from massgen.views.steps import StepWriter
from massgen.views.tree import LogTree, create_log_directory


@dataclass(slots=True)
class Logbook:
    """`enter` before an attempt, `attach` once; everything else follows from the events.

    Without `text_logs` (LOG-018) only status, metadata, answers, votes and `final/` are written.
    """

    tree: LogTree
    redactor: Redactor
    text_logs: bool = True
    status_file: Path | None = None
    state: RunState = field(default_factory=RunState)
    text: TextLog = field(init=False)
    status: StatusWriter = field(init=False)
    steps: StepWriter = field(init=False)
    _names: tuple[str, ...] = ()
    _entered: tuple[int, int] | None = None
    _metadata: Callable[[Path], None] | None = None
    _recalling: tuple[Callable[[Event], None], ...] = ()

    @classmethod
    def create(
        cls,
        logs: Path,
        redactor: Redactor,
        *,
        text_logs: bool,
        debug: bool,
        status_file: Path | None,
        root: Path | None = None,
    ) -> Logbook:
        """Make the run's directory below `logs`, or go on in `root`. Raises `StorageError`."""
        tell_again()
        book = cls(
            tree=LogTree(root or create_log_directory(logs)),
            redactor=redactor,
            text_logs=text_logs,
            status_file=status_file,
        )
        book.text = TextLog(book.redact, debug=debug)
        book.steps = StepWriter(book.state, book.tree, book.redact, texts=text_logs)
        book.status = StatusWriter(book.state, book.tree.root, book._status_places)
        return book

    def redact(self, text: str) -> str:
        return self.redactor.text(text)

    def attach(self, stream: EventStream, request: RunRequest, config: Config, session_id: str) -> None:
        """Subscribe the views: state first, answers before the status that names them."""
        self._names = tuple(safe_name(agent.id) for agent in config.agents)
        plain = self.redactor.value(dict(request.loaded.values))
        arguments = self.redactor.value(dict(request.cli_args))
        place = {"mode": "interactive", "session_id": session_id} if request.interactive else {}

        def metadata(directory: Path) -> None:
            write_metadata(
                directory / "execution_metadata.yaml",
                question=self.redact(request.question),
                config=plain,
                config_path=request.loaded.path,
                cli_args={**arguments, **place, "turn": self.tree.turn} if place else arguments,
                launch=request.launch,
            )

        self._metadata = metadata
        stream.subscribe(self.state.apply)
        stream.subscribe(Shielded("the steps of the log", self.steps))
        if self.text_logs:
            stream.subscribe(Shielded("massgen.log", self.text))
            stream.subscribe(Shielded("agent_outputs", AgentOutputs(self.tree, self.redact)))
        coordination = CoordinationFiles(self.state, self.tree)
        metrics = MetricsFile(self.state, self.tree)
        self._recalling = (self.state.apply, self.steps.recall, coordination.recall, metrics.recall)
        stream.subscribe(Shielded("coordination files", coordination))
        stream.subscribe(Shielded("metrics_summary.json", metrics))
        stream.subscribe(Shielded("the copy of the final answer", self._end))
        stream.subscribe(Shielded("status.json", self.status))

    def recall(self, events: Iterable[Event]) -> None:
        """Bring the views of a turn to where an ended process left them; `attach` comes before."""
        for event in events:
            if isinstance(event.body, AttemptStart):
                self.tree.turn, self.tree.attempt = event.turn, event.attempt
            for view in self._recalling:
                view(event)

    def enter(self, turn: int, attempt: int) -> None:
        """Make an attempt's directory and go on there; entering it twice is harmless. The directory of an attempt
        that an ended process began stands already."""
        if self._entered == (turn, attempt):
            return
        begun = self.tree.here.exists() and (self.tree.turn, self.tree.attempt) == (turn, attempt)
        if not begun:
            self.tree.enter(turn, attempt, self._names)
        if self.text_logs:
            self.text.open(self.tree.here)
        if self._metadata is not None and not begun:
            self._metadata(self.tree.here)
        self._entered = (turn, attempt)

    def answer_file(self, winner: str) -> Path:
        """Where the delivered answer lies (AUTO-008)."""
        return self.tree.here / "final" / safe_name(winner) / "answer.txt"

    def _status_places(self) -> tuple[Path, ...]:
        own = self.tree.here / "status.json"
        return (own, self.status_file) if self.status_file is not None else (own,)

    def _end(self, event: Event) -> None:
        if isinstance(event.body, SessionEnd):
            self.tree.accept()
            self.text.close()
