"""The winner's changes to the user's project: reviewed, then applied (WS-033, WS-045)."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Sequence
from pathlib import Path

from msgspec import Struct

from massgen.errors import StorageError
from massgen.runs.accepting import RecordedReview
from massgen.runs.workfiles import AgentWork
from massgen.views.files import guarded, write_atomic
from massgen.workspace.review import Applied, FileChange, Review

ALL = "changes.patch"
LIST = "changes.txt"
NAMED, TOLD = 5, 50


class ProjectChanges(Struct, frozen=True, kw_only=True):
    """Applies what the presenter changed in its project copies. `directory` is the final directory of the log."""

    reviewer: RecordedReview
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
        self._keep(directory, review, changes)
        if self.reviewer.is_missing:
            self.warn(_by_hand(directory, review, changes))
        accepted = await self.reviewer(review, changes)
        try:
            applied = await work.team.run.apply(work.agent_id, accepted, patch=str(directory / ALL))
        except StorageError as error:
            text = f"The changes could not be applied ({error}); your project is as it was. They are in {directory}."
            self.warn(text)
            return
        self._report(changes, applied)

    def _report(self, changes: Sequence[FileChange], applied: Applied) -> None:
        refused = [change for change in changes if change.refused is not None]
        for change in refused[:TOLD]:
            self.warn(f"Not applied: {change.target} ({change.refused})")
        if len(refused) > TOLD:
            self.warn(f"Not applied: {len(refused) - TOLD} more; {LIST} in the log names all changes.")
        left = {change.target for change in changes if change.conflict and change.target not in applied.applied}
        for path in sorted(left.union(applied.conflicts)):
            self.warn(f"Not applied: {path} was changed meanwhile; the new version is in the log.")

    @staticmethod
    def _keep(directory: Path, review: Review, changes: Sequence[FileChange]) -> None:
        listing = "".join(f"{change.kind}\t{change.target}\n" for change in changes)
        patches = {path: review.patch(own) for path, _, own in _patches(directory, changes)}
        for path, patch in {directory / ALL: review.patch(changes), **patches}.items():
            guarded(path.name, lambda path=path, patch=patch: write_atomic(path, patch))
        guarded(LIST, lambda: write_atomic(directory / LIST, listing))


def _patches(directory: Path, changes: Sequence[FileChange]) -> list[tuple[Path, Path, list[FileChange]]]:
    """The patch of each project, its root and what is in it. Names in a patch are relative to one root: where there
    are several, each has a patch of its own beside the whole one."""
    names = list(dict.fromkeys(change.project for change in changes))
    found: list[tuple[Path, Path, list[FileChange]]] = []
    for name in names:
        own = [change for change in changes if change.project == name]
        path = directory / (ALL if len(names) == 1 else f"changes-{name}.patch")
        found.append((path, own[0].root, own))
    return found


def _by_hand(directory: Path, review: Review, changes: Sequence[FileChange]) -> str:
    """Where the changes are that nobody could review, and how they get into the project."""
    commands = [
        f"git -C {shlex.quote(str(root))} apply {shlex.quote(str(path))}"
        for path, root, own in _patches(directory, changes)
        if any(map(review.is_in_patch, own))
    ]
    text = f"Nobody is here to review the changes of your project; none was made. They are kept in {directory / ALL}."
    text += f" To make them: {' && '.join(commands)}" if commands else ""
    left = [str(change.target) for change in changes if change.refused is None and not review.is_in_patch(change)]
    more = f" and {len(left) - NAMED} more" if len(left) > NAMED else ""
    return text + (f" Not in it, because no text changes: {', '.join(left[:NAMED])}{more}." if left else "")
