"""The winner's changes to the user's project: reviewed, then applied (WS-033, WS-045)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from msgspec import Struct

from massgen.errors import StorageError
from massgen.runs.request import Reviewer
from massgen.runs.workfiles import AgentWork
from massgen.views.files import guarded, write_atomic
from massgen.workspace.review import Applied, FileChange, accept_all


class ProjectChanges(Struct, frozen=True, kw_only=True):
    """Applies what the presenter changed in its project copies. `directory` is the final directory of the log."""

    reviewer: Reviewer | None
    warn: Callable[[str], None]

    async def bring_home(self, work: AgentWork, directory: Path) -> None:
        """Ask where there is a person, approve all where there is none, write, and keep patch and list in the log."""
        for path in await work.team.run.planted():
            self.warn(f"A git repository was made in your project: {path}. Its hooks run when you use git there.")
        try:
            changes = await work.changes()
        except StorageError as error:
            self.warn(f"The presenter's changes could not be read ({error}); your project is as it was.")
            return
        if not changes:
            return
        review = work.team.run.review(work.agent_id)
        self._keep(directory, review.patch(changes), changes)
        accepted = await self.reviewer(review, changes) if self.reviewer is not None else accept_all(changes)
        try:
            applied = await work.team.run.apply(work.agent_id, accepted, patch=str(directory / "changes.patch"))
        except StorageError as error:
            text = f"The changes could not be applied ({error}); your project is as it was. They are in {directory}."
            self.warn(text)
            return
        self._report(changes, applied)

    def _report(self, changes: Sequence[FileChange], applied: Applied) -> None:
        for change in changes:
            if change.refused is not None:
                self.warn(f"Not applied: {change.target} ({change.refused})")
        left = {change.target for change in changes if change.conflict and change.target not in applied.applied}
        for path in sorted(left.union(applied.conflicts)):
            self.warn(f"Not applied: {path} was changed meanwhile; the new version is in the log.")

    @staticmethod
    def _keep(directory: Path, patch: str, changes: Sequence[FileChange]) -> None:
        listing = "".join(f"{change.kind}\t{change.target}\n" for change in changes)
        guarded("changes.patch", lambda: write_atomic(directory / "changes.patch", patch))
        guarded("changes.txt", lambda: write_atomic(directory / "changes.txt", listing))
