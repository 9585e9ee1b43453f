"""What a door asks for, and what it gets back."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from msgspec import Struct, field

from massgen.backends.protocol import Media, Message
from massgen.config import LoadedConfig
from massgen.coordination.criteria import Criterion
from massgen.engine.broadcast import HumanAnswers
from massgen.engine.functions import CallerFunctions
from massgen.engine.person import AskHuman, HumanAnswer, HumanQuestion
from massgen.engine.turn import AnswerRecord, VoteRecord
from massgen.workspace.context_paths import RequestedPath
from massgen.workspace.review import Acceptance, FileChange, Review

Reviewer = Callable[[Review, Sequence[FileChange]], Awaitable[Sequence[Acceptance]]]


class RunRequest(Struct, frozen=True, kw_only=True):
    """One question to one team.

    `launch` is the directory the run belongs to. `plain` is one model without workflow tools, `quick` no
    refinement. `automation` keeps logs on whatever the configuration says (AUTO-017). `history` comes after that
    of the session, which counts from turn `history_since`. `cli_args` are recorded; for an `interactive` question
    with its turn and session (LOG-059).
    `review` asks a person which changes of the project are accepted (WS-033); without it all are (S-04).
    `criteria` come from a flag and beat generator and defaults (COORD-078).
    `ask_human` puts the question of an agent or of an MCP server to a person; without it nobody is asked (AUTO-016).
    `human_answers` holds what was answered in the session.
    `instructions` are added to those of each agent (SRV-012). `functions` are the caller's own; afterwards they hold
    what the team calls (SRV-011).
    """

    loaded: LoadedConfig
    question: str
    launch: Path
    plain: bool = False
    interactive: bool = False
    quick: bool = False
    automation: bool = False
    logs: bool = True
    debug: bool = False
    status_file: Path | None = None
    single_agent: str | None = None
    session_id: str | None = None
    session_prefix: str = "session"
    history_since: int = 1
    history: Sequence[Message] = ()
    media: tuple[Media, ...] = ()
    context_paths: tuple[RequestedPath, ...] = ()
    review: Reviewer | None = None
    criteria: tuple[Criterion, ...] = ()
    ask_human: AskHuman | None = None
    human_answers: HumanAnswers = field(default_factory=HumanAnswers)
    instructions: tuple[str, ...] = ()
    functions: CallerFunctions | None = None
    cli_args: Mapping[str, Any] = field(default_factory=dict)


class RunResult(Struct, frozen=True, kw_only=True):
    """What a run came to. `winner` is the real id, `answer` the delivered text (empty without one), times in seconds.

    `coordination_seconds` ends when the winner was chosen, `total_seconds` includes the presentation. `steps` maps
    answer labels to their directories in the log.
    """

    exit_code: int
    outcome: str
    answer: str
    winner: str | None
    label: str
    message: str
    log_dir: Path
    answer_file: Path | None
    session_id: str
    agents: tuple[str, ...]
    answers: tuple[AnswerRecord, ...]
    votes: tuple[VoteRecord, ...]
    is_tie: bool
    consensus: bool
    errors: Mapping[str, str]
    coordination_seconds: float
    total_seconds: float
    input_tokens: int
    output_tokens: int
    cost: float | None
    turn: int = 1
    attempt: int = 1
    steps: Mapping[str, Path] = field(default_factory=dict)


__all__ = ["Criterion", "HumanAnswer", "HumanQuestion", "Reviewer", "RunRequest", "RunResult"]
