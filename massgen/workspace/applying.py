"""Writing accepted changes into the user's project so that all of them arrive or none, whenever the program dies.

First a journal names every step, then new contents are staged beside their targets, then the journal says
"committed", then renames carry it out. The journal is locked while its writer lives. `finish_applying` goes on
where a dead writer left off: it finishes what was committed and takes away what was not (WS-033).

A journal lies below `.massgen`, which agents do not reach. One that was copied or checked out with the project is
not believed: it has to name its own inode.
"""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
import stat
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Literal

from msgspec import Struct

from massgen.workspace import staging
from massgen.workspace.grants import Grants, PathRefused
from massgen.workspace.journal import Entry, Journal, Plan, open_journals
from massgen.workspace.policy import AgentPathPolicy

JOURNALS = "applying"


class Step(Struct, frozen=True, kw_only=True):
    """One file to write, or to delete where `content` is None. `executable` None leaves the bit as it is."""

    target: Path
    content: Callable[[], bytes] | None
    executable: bool | None = None


class CutOff(Struct, frozen=True, kw_only=True):
    """What became of an apply whose program died: `applied` are the files that now stand as accepted, `left` those
    that the user changed since. `patch` is where the log keeps all changes."""

    outcome: Literal["finished", "undone"]
    applied: tuple[Path, ...] = ()
    left: tuple[Path, ...] = ()
    patch: str = ""

    def sentence(self) -> str:
        """What to tell the user."""
        where = f" All changes are in {self.patch}." if self.patch else ""
        if self.outcome == "undone":
            return f"A run was ended before its accepted changes reached your project; none was written.{where}"
        rest = f" Left alone, because changed since: {', '.join(map(str, self.left))}.{where}" if self.left else ""
        return (
            "A run was ended while it wrote its accepted changes into your project; "
            f"that is finished now ({len(self.applied)} files).{rest}"
        )


def apply_steps(policy: AgentPathPolicy, steps: Sequence[Step], *, state: Path, patch: str = "") -> None:
    """Carry out `steps`; blocks. Raises `OSError` or `PathRefused` with the project as it was before.

    `state` is the run's `.massgen`; `patch` is told to the user if the program dies meanwhile.
    """
    plan = _plan(policy, steps, patch)
    contents = {step.target: step for step in steps}
    with Journal.begin(state / JOURNALS, plan) as journal:
        try:
            for entry in plan.entries:
                step = contents[entry.target]
                if step.content is not None:
                    with _naming(entry):
                        staging.stage(policy, entry, step.content(), staging.is_executable(entry.after))
        except (OSError, PathRefused):
            _take_away(policy, plan)
            raise
        journal.commit()
        begun: list[Entry] = []
        try:
            for entry in plan.ordered():
                begun.append(entry)
                with _naming(entry):
                    staging.keep_old(policy, entry)
                    staging.carry_out(policy, entry)
        except (OSError, PathRefused):
            for entry in reversed(begun):
                with contextlib.suppress(OSError, PathRefused):
                    staging.take_back(policy, entry)
            _take_away(policy, plan)
            raise
        for entry in plan.entries:
            staging.discard(policy, entry)


def finish_applying(state: Path) -> tuple[CutOff, ...]:
    """Finish or undo every apply below `state` (a `.massgen`) whose program died; what to tell the user of each.

    Blocks. Harmless where there is none and while another program applies. `RunWorkspaces.prepare` calls it before
    anything else looks at the project, so a resumed run finds its accepted changes whole or untouched.
    """
    found: list[CutOff] = []
    for journal in open_journals(state / JOURNALS):
        with journal:
            policy = _recorded(journal.plan)
            found.append(_finish(policy, journal.plan) if journal.committed else _undo(policy, journal.plan))
    return tuple(found)


@contextlib.contextmanager
def _naming(entry: Entry) -> Iterator[None]:
    """Errors name the user's file, not what was staged for it."""
    try:
        yield
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(entry.target)) from error


def _plan(policy: AgentPathPolicy, steps: Sequence[Step], patch: str) -> Plan:
    mark = secrets.token_hex(8)
    deleted = {step.target for step in steps if step.content is None}
    replaced = {step.target for step in steps if step.content is not None and _is_directory(step.target)}
    entries: list[Entry] = []
    made: dict[Path, None] = {}
    for number, step in enumerate(steps):
        real = policy.resolve_entry(str(step.target), "write")
        root = policy.root_of(real)
        assert root is not None
        if step.content is not None:
            _refuse_special(step.target, deleted)
        before = staging.digest(policy, step.target)
        entries.append(
            Entry(
                target=step.target,
                root=root,
                holder=_holder(step.target, deleted, replaced, made),
                name=f"{staging.PREFIX}{mark}-{number}",
                before=before,
                after=_after(step, before),
            )
        )
    roots = {entry.root for entry in entries}
    protected = tuple(path for path in policy.grants.protected if any(path.is_relative_to(root) for root in roots))
    return Plan(entries=tuple(entries), made=tuple(made), protected=protected, patch=patch)


def _after(step: Step, before: str | None) -> str | None:
    if step.content is None:
        return None
    executable = staging.is_executable(before) if step.executable is None else step.executable
    return staging.digest_of(step.content(), executable=executable)


def _holder(target: Path, deleted: set[Path], replaced: set[Path], made: dict[Path, None]) -> Path:
    """The nearest directory that is there and stays; those to be made are noted in `made`, outer ones first."""
    missing: list[Path] = []
    going = max(
        (path for path in replaced if target.is_relative_to(path)), key=lambda path: -len(path.parts), default=None
    )
    for parent in target.parents if going is None else going.parents:
        try:
            mode = os.lstat(parent).st_mode
        except (FileNotFoundError, NotADirectoryError):
            missing.append(parent)
            continue
        if stat.S_ISDIR(mode):
            made.update(dict.fromkeys(reversed(missing)))
            return parent
        if parent not in deleted:
            raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), str(parent))
        missing.append(parent)
    raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(target))


def _is_directory(path: Path) -> bool:
    return path.is_dir() and not path.is_symlink()


def fits(target: Path, deleted: set[Path]) -> bool:
    """Whether a file can stand at `target` once `deleted` are gone: no file above it, and of a directory in its
    place nothing left but directories."""
    for parent in target.parents:
        if os.path.lexists(parent):
            if not _is_directory(parent) and parent not in deleted:
                return False
            break
    if not _is_directory(target):
        return True
    for directory, folders, files in os.walk(target):
        links = [name for name in folders if os.path.islink(os.path.join(directory, name))]
        if any(Path(directory, name) not in deleted for name in (*files, *links)):
            return False
    return True


def is_locked(target: Path) -> bool:
    """Whether the directory that holds `target`, or would, cannot be written by this user."""
    parent = next(path for path in target.parents if os.path.lexists(path))
    return _is_directory(parent) and not os.access(parent, os.W_OK | os.X_OK)


def _refuse_special(target: Path, deleted: set[Path]) -> None:
    """A file is written over a file, a link, or a directory that holds nothing but what is deleted."""
    if not fits(target, deleted):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(target))
    if os.path.lexists(target) and not (target.is_symlink() or target.is_file() or target.is_dir()):
        raise PathRefused(f"Cannot modify {target} - it is not a regular file")


def _recorded(plan: Plan) -> AgentPathPolicy:
    """The part of the policy that the journal keeps: secret names and git's own files stay refused."""
    roots = tuple(dict.fromkeys(entry.root for entry in plan.entries))
    grants = Grants(writable=roots, protected=plan.protected)
    return AgentPathPolicy(workspace=roots[0] if roots else Path("/"), grants=grants)


def _finish(policy: AgentPathPolicy, plan: Plan) -> CutOff:
    applied: list[Path] = []
    left: list[Path] = []
    for entry in plan.ordered():
        try:
            done = staging.stands(policy, entry)
            if not done and staging.is_untouched(policy, entry) and staging.is_whole(policy, entry):
                staging.carry_out(policy, entry)
                done = True
            (applied if done else left).append(entry.target)
        except (OSError, PathRefused):
            left.append(entry.target)
        with contextlib.suppress(OSError, PathRefused):
            staging.discard(policy, entry)
    return CutOff(outcome="finished", applied=tuple(applied), left=tuple(left), patch=plan.patch)


def _undo(policy: AgentPathPolicy, plan: Plan) -> CutOff:
    _take_away(policy, plan)
    return CutOff(outcome="undone", patch=plan.patch)


def _take_away(policy: AgentPathPolicy, plan: Plan) -> None:
    """What was staged, and the directories that were made for it and hold nothing else."""
    for entry in plan.entries:
        with contextlib.suppress(OSError, PathRefused):
            staging.discard(policy, entry)
    for directory in reversed(plan.made):
        with contextlib.suppress(OSError):
            directory.rmdir()
