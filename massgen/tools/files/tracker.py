"""What an agent has read and written in a turn; nothing unread is deleted (WS-130 to WS-136)."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from massgen.errors import MassGenError

NAMED_UNREAD = 5


class UnreadFile(MassGenError):
    """A deletion would lose a file that the agent does not know."""


class FileOperationTracker:
    """Real paths that one agent knows in one turn. Make a new one per agent and turn (WS-136)."""

    def __init__(self) -> None:
        self._read: set[Path] = set()
        self._created: set[Path] = set()

    def track_read(self, real: Path) -> None:
        """The agent saw (a part of) this file."""
        self._read.add(real)

    def track_write(self, real: Path, *, created: bool) -> None:
        """The agent wrote this file; what it wrote it knows."""
        (self._created if created else self._read).add(real)

    def track_move(self, old: Path, new: Path) -> None:
        """Knowledge of a file, or of all files of a directory, follows it to its new place."""
        for known in (self._read, self._created):
            for path in [path for path in known if path == old or path.is_relative_to(old)]:
                known.discard(path)
                known.add(new / path.relative_to(old))

    def track_delete(self, real: Path) -> None:
        """The file or directory is gone."""
        for known in (self._read, self._created):
            known.difference_update([path for path in known if path == real or path.is_relative_to(real)])

    def created(self, real: Path) -> bool:
        """Whether the agent itself made this file."""
        return real in self._created

    def knows(self, real: Path) -> bool:
        """Whether the agent may delete this file."""
        return real in self._read or real in self._created

    def check_delete(self, real: Path, *, shown: str) -> None:
        """Raise `UnreadFile` for a file that was neither read nor created (WS-130, WS-131)."""
        if not self.knows(real):
            raise UnreadFile(f"Cannot delete {shown} - file has not been read")

    def check_delete_all(self, files: Iterable[Path], directory: Path, *, shown: str) -> None:
        """Raise `UnreadFile` where a directory holds unread files; some are named (WS-132)."""
        unread = [path for path in files if not self.knows(path)]
        if not unread:
            return
        names = ", ".join(str(path.relative_to(directory)) for path in unread[:NAMED_UNREAD])
        more = f" and {len(unread) - NAMED_UNREAD} more" if len(unread) > NAMED_UNREAD else ""
        raise UnreadFile(f"Cannot delete {shown} - files in it have not been read: {names}{more}")
