"""A conversation: questions to the same team, one after the other, in one session and one log (SESS-040)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from msgspec.structs import replace

from massgen.runs.request import RunRequest
from massgen.runs.run import Run
from massgen.workspace.context_paths import RequestedPath


@dataclass(slots=True)
class Conversation:
    """`turn` prepares the run of the next question; the door executes it. `base` is everything but the question.

    Context paths accumulate: a later `write` for the same path wins, a later `read` takes nothing back (WS-077).
    """

    base: RunRequest
    last: Run | None = None
    forgotten_before: int = 1
    paths: list[RequestedPath] = field(default_factory=list)

    def turn(self, question: str, context_paths: Sequence[RequestedPath] = ()) -> Run:
        """The prepared run of the next turn. Raises `ConfigError` or `StorageError`; the conversation goes on."""
        self.add_paths(context_paths)
        request = replace(
            self.base,
            question=question,
            interactive=True,
            context_paths=(*self.base.context_paths, *self.paths),
            history_since=self.forgotten_before,
        )
        run = Run(request, previous=self.last.end if self.last is not None else None)
        run.prepare()
        self.last = run
        return run

    def add_paths(self, paths: Sequence[RequestedPath]) -> None:
        """Give the team these paths from the next turn on (SESS-023)."""
        for path in paths:
            known = next((item for item in self.paths if item.path == path.path), None)
            if known is None:
                self.paths.append(path)
            elif path.permission == "write" and known.permission == "read":
                self.paths[self.paths.index(known)] = path

    def forget(self) -> None:
        """`/clear`: later turns are told nothing of the earlier ones; these stay on disk (SESS-025)."""
        if self.last is not None:
            self.forgotten_before = self.last.turn + 1
