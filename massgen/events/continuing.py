"""Events that exist so that a run can be gone on with after its process died; readers pass over them.

What they hold is only what stands nowhere else in the log: a text that was streamed, or that a tool returned, is
named and not repeated.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from msgspec import Struct, field


class Requested(Struct, frozen=True, kw_only=True):
    """How the question of the turn was put: the fields of the request that no configuration holds."""

    kind: ClassVar[str] = "request"
    values: Mapping[str, Any] = field(default_factory=dict)


class Prepared(Struct, frozen=True, kw_only=True):
    """What was worked out before the first round: personas, criteria and the like."""

    kind: ClassVar[str] = "prepared"
    values: Mapping[str, Any] = field(default_factory=dict)


class WorkspacesOpened(Struct, frozen=True, kw_only=True):
    """Where the agents work: real id -> directory."""

    kind: ClassVar[str] = "workspaces"
    paths: Mapping[str, str] = field(default_factory=dict)


class ConversationGrew(Struct, frozen=True, kw_only=True):
    """What the agent's next model call has behind its last response, in the form of `agents.record`."""

    kind: ClassVar[str] = "conversation"
    entries: tuple[Mapping[str, Any], ...] = ()


class Spoken(Struct, frozen=True, kw_only=True):
    """A person, or a peer's question, said something to these agents; each hears it at its next safe point."""

    kind: ClassVar[str] = "spoken"
    text: str
    agents: tuple[str, ...] = ()


class ChangesAccepted(Struct, frozen=True, kw_only=True):
    """These changes of the user's project are about to be written: `{"target", "hunks", "overwrite"}` each."""

    kind: ClassVar[str] = "changes"
    accepted: tuple[Mapping[str, Any], ...] = ()


ContinuingBody = Requested | Prepared | WorkspacesOpened | ConversationGrew | Spoken | ChangesAccepted
CONTINUING = (Requested, Prepared, WorkspacesOpened, ConversationGrew, Spoken, ChangesAccepted)
