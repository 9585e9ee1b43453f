"""Rounds that were in progress when a process died, rebuilt from the log.

The conversation of a round is the fold of its events: responses, ends of tools, what was put behind them. What the
rules had answered is folded from the facts. A round whose record does not say enough is left out; it begins again.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from massgen.agents.record import INTERRUPTED, PastStep, UnfinishedRound, response_from, step_from
from massgen.backends.protocol import AssistantMessage, Media, ToolCall
from massgen.coordination.directives import Hold, StartRound, Summon, VoidVote
from massgen.coordination.facts import (
    AnswerProposed,
    ApproachDrafted,
    ChecklistSubmitted,
    ResponseEnded,
    SafePointReached,
    StopProposed,
    VoteProposed,
)
from massgen.coordination.replay import AttemptReplay, Step
from massgen.engine.functions import FOR_CALLER
from massgen.engine.resumption import AskedFact, OpenRound
from massgen.engine.seat import ENDS
from massgen.events.continuing import ConversationGrew
from massgen.events.types import (
    Content,
    Event,
    FinalChunk,
    Injection,
    ModelCall,
    Retry,
    StartedStreaming,
    ToolEnd,
    ToolStart,
)
from massgen.tools.protocol import Injection as Told
from massgen.tools.protocol import ToolOutcome

ASKED = (
    AnswerProposed, VoteProposed, StopProposed, ChecklistSubmitted, ApproachDrafted, SafePointReached, ResponseEnded
)  # fmt: skip
IN_ROUND = ("answer", "vote", "presentation", "post_evaluation")
UNSAID = (Summon, VoidVote)


class Unreadable(Exception):
    """The record of a round does not say how to go on with it."""


@dataclass(slots=True)
class RoundFold:
    """The events of one round of one agent, in order. `media` reads what is kept beside the log."""

    agent_id: str
    round: int
    media: Callable[[Event, ToolEnd], tuple[Media, ...]]
    past: list[PastStep] = field(default_factory=list)
    pending: AssistantMessage | None = None
    since: int = 0
    outcomes: dict[str, ToolOutcome] = field(default_factory=dict)
    started: dict[str, str] = field(default_factory=dict)
    updates: list[str] = field(default_factory=list)
    told: bool = False
    warned: bool = False
    announced: bool = False
    chunks: list[str] = field(default_factory=list)
    _text: list[str] = field(default_factory=list)
    _reasoning: list[str] = field(default_factory=list)
    _last: str = ""

    def apply(self, event: Event) -> None:
        """Raises `Unreadable`."""
        match event.body:
            case ModelCall() as body if body.round_kind in IN_ROUND and event.round == self.round:
                self._take_call(event, body)
            case Retry():
                self._text.clear()
                self._reasoning.clear()
            case Content(content_kind=kind, text=text):
                (self._text if kind == "text" else self._reasoning).append(text)
            case FinalChunk(text=text):
                self._text.append(text)
                self.chunks.append(text)
            case ConversationGrew(entries=entries):
                self._grow(entries)
            case ToolStart(call_id=call_id, name=name):
                self.started[call_id] = name
            case ToolEnd() as body:
                media = self.media(event, body)
                self.outcomes[body.call_id] = ToolOutcome(text=body.result, is_error=body.is_error, media=media)
                self._last = body.call_id
            case Injection() as body:
                self._inject(body)
            case StartedStreaming():
                self.announced = True
            case _:
                return

    def _take_call(self, event: Event, body: ModelCall) -> None:
        text, reasoning = "".join(self._text), "".join(self._reasoning)
        self._text.clear()
        self._reasoning.clear()
        if body.response is None:
            return
        try:
            self.pending = response_from(body.response, text, reasoning)
        except (ValueError, TypeError, KeyError) as error:
            raise Unreadable(str(error)) from error
        self.past.append(self.pending)
        self.since = event.seq
        self.outcomes.clear()
        self.started.clear()
        self.updates.clear()
        self.told = False

    def _grow(self, entries: Iterable[Mapping[str, Any]]) -> None:
        try:
            self.past += [step_from(entry, self.outcomes) for entry in entries]
        except (ValueError, TypeError, KeyError) as error:
            raise Unreadable(str(error)) from error
        self.pending = None
        self.updates.clear()

    def _inject(self, body: Injection) -> None:
        match body.source:
            case "hook":
                strategy = "user_message" if body.strategy == "user_message" else "tool_result"
                self._add_to(self._last, Told(content=body.text, strategy=strategy))
            case "background":
                calls = self.pending.tool_calls if self.pending is not None else ()
                ended = [call.call_id for call in calls if call.call_id in self.outcomes]
                self._add_to(ended[-1] if ended else "", Told(content=body.text))
            case "memory":
                return
            case "peer_answers":
                self.told = True
            case _:
                self.warned = self.warned or body.source == "round_limit"
                self.updates.append(body.text)

    def _add_to(self, call_id: str, told: Told) -> None:
        outcome = self.outcomes.get(call_id)
        if outcome is not None:
            self.outcomes[call_id] = replace(outcome, injections=(*outcome.injections, told))

    def unfinished(self, heard: int) -> UnfinishedRound:
        """What is to be done with the rest: calls without an end were interrupted."""
        pending = self.pending.tool_calls if self.pending is not None else ()
        outcomes = dict(self.outcomes) if self.pending is not None else {}
        names = {call.call_id for call in pending}
        lost = tuple((one, name) for one, name in self.started.items() if one in names and one not in outcomes)
        outcomes |= {one: ToolOutcome(text=INTERRUPTED, is_error=True) for one, _ in lost}
        return UnfinishedRound(
            past=tuple(self.past),
            pending=self.pending,
            outcomes=outcomes,
            interrupted=lost,
            updates=tuple(self.updates) if self.pending is not None else (),
            heard=heard,
        )


def fold_round(
    agent_id: str, round: int, events: Iterable[Event], media: Callable[[Event, ToolEnd], tuple[Media, ...]]
) -> RoundFold:
    """Fold those of `events` that are the agent's. Raises `Unreadable`."""
    fold = RoundFold(agent_id=agent_id, round=round, media=media)
    for event in events:
        if event.agent_id == agent_id:
            fold.apply(event)
    return fold


def open_round(
    last: AttemptReplay, number: int, events: Sequence[Event], media: Callable[[Event, ToolEnd], tuple[Media, ...]]
) -> OpenRound | None:
    """The running round of an agent as far as it came; None where its record does not say enough."""
    began = _began(last, number)
    if began is None:
        return None
    step, start = began
    agent_id = last.name(number)
    try:
        fold = fold_round(agent_id, start.round, (event for event in events if event.seq > step.seq), media)
    except Unreadable:
        return None
    used, _ = worked(last, number, step.seq)
    return OpenRound(
        start=start,
        unfinished=fold.unfinished(heard_before(agent_id, events, step.seq)),
        asked=_asked(last, number, fold) if fold.pending is not None else (),
        used=used,
        warned=fold.warned,
        announced=fold.announced,
    )


def _began(last: AttemptReplay, number: int) -> tuple[Step, StartRound] | None:
    for step in reversed(last.steps):
        for directive in step.directives:
            if isinstance(directive, StartRound) and directive.agent == number:
                return step, directive
    return None


def _asked(last: AttemptReplay, number: int, fold: RoundFold) -> tuple[AskedFact, ...]:
    """What the round asked the rules since its last response, and what they said."""
    found: list[AskedFact] = []
    for step in last.steps:
        if step.seq < fold.since:
            continue
        if isinstance(step.fact, ASKED) and step.fact.agent == number:
            found.append(AskedFact(fact=step.fact, told=fold.told))
        if found and found[-1].directive is None:
            for directive in step.directives:
                mine = getattr(directive, "agent", None) == number and not isinstance(directive, UNSAID)
                if mine and not isinstance(directive, Hold) and found[-1].directive is None:
                    found[-1] = replace(found[-1], directive=directive)
    return tuple(found)


def worked(last: AttemptReplay, number: int, since: int) -> tuple[float, float]:
    """Working seconds of an agent, in the round that began with event `since` and in the attempt."""
    used = total = 0.0
    running: float | None = None
    for step in last.steps:
        for directive in step.directives:
            if getattr(directive, "agent", None) != number or isinstance(directive, UNSAID):
                continue
            if running is not None:
                total += step.fact.at - running
                used += step.fact.at - running
            if isinstance(directive, StartRound) and step.seq == since:
                used = 0.0
            running = None if isinstance(directive, (Hold, *ENDS)) else step.fact.at
    if running is not None and last.steps:
        spent = last.steps[-1].fact.at - running
        used, total = used + spent, total + spent
    return used, total


def heard_before(agent_id: str, events: Sequence[Event], since: int) -> int:
    """How many texts the agent had been told before the first response of the round that began after `since`."""
    count = 0
    for event in events:
        if event.agent_id != agent_id:
            continue
        if event.seq > since and isinstance(event.body, ModelCall) and event.body.round_kind in IN_ROUND:
            break
        count += len(told_in(event))
    return count


def told_in(event: Event) -> tuple[str, ...]:
    """The texts that stay in an agent's context for the turn, as an injection tells them (COORD-033)."""
    match event.body:
        case Injection(source="human", said=said):
            return said
        case Injection(source="background", text=text):
            return (text,)
        case _:
            return ()


def media_reader(log_dir: Path) -> Callable[[Event, ToolEnd], tuple[Media, ...]]:
    """Reads what tools returned beside text; raises `Unreadable` for what is lost."""

    def read(event: Event, body: ToolEnd) -> tuple[Media, ...]:
        directory = log_dir / f"turn_{event.turn}" / f"attempt_{event.attempt}"
        return tuple(read_media(directory, item) for item in body.media)

    return read


def read_media(directory: Path, item: object) -> Media:
    """What is kept beside the log of an attempt; raises `Unreadable`."""
    if not isinstance(item, dict):
        raise Unreadable("a picture is not named")
    name = str(item.get("file", ""))
    try:
        content = (directory / "media" / Path(name).name).read_bytes()
    except OSError as error:
        raise Unreadable(f"{name} is gone") from error
    if hashlib.sha256(content).hexdigest() != Path(name).name:
        raise Unreadable(f"{name} was changed")
    return Media(data=content, media_type=str(item.get("type", "")), name=str(item.get("name", "")))


def human_answers(events: Iterable[Event]) -> list[tuple[str, str]]:
    """What people answered to agents in the turn: (question, answer)."""
    asked: dict[str, str] = {}
    found: list[tuple[str, str]] = []
    for event in events:
        match event.body:
            case ToolStart(name="ask_others", call_id=call_id, arguments=arguments):
                asked[call_id] = str(_json(arguments).get("question", ""))
            case ToolEnd(name="ask_others", call_id=call_id, result=result):
                for response in _json(result).get("responses", ()):
                    if isinstance(response, dict) and response.get("is_human"):
                        found.append((asked.get(call_id, ""), str(response.get("content", ""))))
            case _:
                continue
    return found


def calls_for_caller(events: Iterable[Event]) -> list[ToolCall]:
    """What a presentation that has ended wants the caller to run (SRV-011)."""
    begun: dict[str, ToolCall] = {}
    found: dict[str, ToolCall] = {}
    for event in events:
        match event.body:
            case ToolStart(call_id=call_id, name=name, arguments=arguments):
                begun[call_id] = ToolCall(call_id=call_id, name=name, arguments=arguments)
            case ToolEnd(call_id=call_id, result=result) if result == FOR_CALLER and call_id in begun:
                found[call_id] = begun[call_id]
            case _:
                continue
    return list(found.values())


def _json(text: str) -> Mapping[str, Any]:
    try:
        value = json.loads(text)
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}
