"""Which changes of the user's project were accepted stands in the log before they are written (WS-033)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import Struct

from massgen.events.continuing import ChangesAccepted
from massgen.events.stream import EventStream
from massgen.runs.request import Reviewer
from massgen.workspace.review import Acceptance, FileChange, Review, accept_all


class RecordedReview(Struct, frozen=True, kw_only=True):
    """A `Reviewer`: asks `reviewer`, approves all without one, and records the choice.

    `earlier` is what was chosen in a process that died. `watched` says that a person was to review there; if nobody is
    here then, nothing is accepted.
    """

    reviewer: Reviewer | None
    stream: EventStream
    earlier: ChangesAccepted | None = None
    watched: bool = False

    @property
    def is_missing(self) -> bool:
        """Whether the person who was to review is not here."""
        return self.watched and self.reviewer is None and self.earlier is None

    async def __call__(self, review: Review, changes: Sequence[FileChange]) -> Sequence[Acceptance]:
        if self.earlier is not None:
            return [found for change in changes if (found := _chosen(self.earlier, change)) is not None]
        if self.reviewer is not None:
            accepted = await self.reviewer(review, changes)
        elif self.is_missing:
            accepted = []
        else:
            accepted = accept_all(changes)
        self.stream.emit(ChangesAccepted(accepted=tuple(map(_record, accepted))), durable=True)
        return accepted


def _record(accepted: Acceptance) -> Mapping[str, Any]:
    hunks = sorted(accepted.hunks) if accepted.hunks is not None else None
    return {"target": str(accepted.change.target), "hunks": hunks, "overwrite": accepted.overwrite}


def _chosen(earlier: ChangesAccepted, change: FileChange) -> Acceptance | None:
    for one in earlier.accepted:
        if one.get("target") == str(change.target):
            hunks = one.get("hunks")
            kept = frozenset(int(number) for number in hunks) if hunks is not None else None
            return Acceptance(change=change, hunks=kept, overwrite=bool(one.get("overwrite")))
    return None
