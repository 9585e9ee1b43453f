"""From the settings of a run to the policy of one agent in one phase (WS-051 to WS-053, WS-027)."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Literal

from msgspec import Struct

from massgen.workspace.context_paths import ContextPath
from massgen.workspace.grants import Access, Grants
from massgen.workspace.policy import AgentPathPolicy
from massgen.workspace.sensitive import find_sensitive

log = logging.getLogger(__name__)

Phase = Literal["coordination", "presentation", "post_evaluation"]


class PathNote(Struct, frozen=True, kw_only=True):
    """One place that an agent may use, for its prompt: absolute path, what it may do there, what it is."""

    path: Path
    access: Access
    purpose: Literal["workspace", "others", "earlier turn", "context", "project copy", "extra"]


class AgentView(Struct, frozen=True, kw_only=True):
    """What the layout gives one agent: its workspace, its view of all snapshots, results of earlier turns,
    checkouts of projects with the object directories that their git reads."""

    workspace: Path
    others: Path
    turns: tuple[Path, ...] = ()
    checkouts: tuple[Path, ...] = ()
    objects: tuple[Path, ...] = ()


class Found(Struct, frozen=True, kw_only=True):
    """What was found below the context paths: names that are denied and git directories that stay as they are."""

    secrets: tuple[Path, ...] = ()
    git: tuple[Path, ...] = ()


def look_at(contexts: Iterable[ContextPath]) -> Found:
    """Search the context paths for names that no grant includes; blocks."""
    secrets: list[Path] = []
    git: list[Path] = []
    for context in contexts:
        found = find_sensitive(context.path)
        secrets += found.secrets
        git += found.git
        if not found.complete:
            log.warning("%s holds too many files to look for secrets in all of them", context.path)
    return Found(secrets=tuple(dict.fromkeys(secrets)), git=tuple(dict.fromkeys(git)))


def agent_policy(
    view: AgentView,
    contexts: Sequence[ContextPath],
    *,
    writes: bool,
    denied: Iterable[Path],
    found: Found,
    extra_readable: Iterable[Path] = (),
) -> AgentPathPolicy:
    """The policy of one agent. `writes` lifts `write` context paths to writable: the presenter's in the
    presentation only, and never in an isolating write mode."""
    writable = tuple(item.path for item in contexts if writes and item.permission == "write")
    readable = tuple(item.path for item in contexts if item.path not in writable)
    named = {item.path for item in contexts}
    opened = {path for path in found.git for item in contexts if item.path.is_relative_to(path)}
    protected = [path for item in contexts for path in item.protected]
    return AgentPathPolicy(
        workspace=view.workspace,
        grants=Grants(
            writable=(view.workspace, *writable),
            readable=(view.others, *view.turns, *readable, *view.objects, *extra_readable),
            protected=tuple(dict.fromkeys([*protected, *(path for path in found.git if path not in opened)])),
            denied=tuple(dict.fromkeys(path for path in (*denied, *found.secrets) if path not in named)),
        ),
        private=(view.workspace, view.others, *view.turns, *view.objects),
        patterns=tuple(pattern for item in contexts for pattern in item.patterns),
    )


def path_notes(view: AgentView, contexts: Sequence[ContextPath], *, writes: bool) -> tuple[PathNote, ...]:
    """The places that a prompt lists; no object directories (WS-027)."""
    notes = [
        PathNote(path=view.workspace, access="write", purpose="workspace"),
        PathNote(path=view.others, access="read", purpose="others"),
        *(PathNote(path=path, access="read", purpose="earlier turn") for path in view.turns),
        *(PathNote(path=path, access="write", purpose="project copy") for path in view.checkouts),
    ]
    for item in contexts:
        access: Access = "write" if writes and item.permission == "write" else "read"
        notes.append(PathNote(path=item.path, access=access, purpose="context"))
    return tuple(notes)
