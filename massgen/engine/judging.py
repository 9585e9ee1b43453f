"""The coordination as one agent's round sees it: workflow calls become facts, directives become verdicts."""

from __future__ import annotations

import json
import logging
from collections import deque
from collections.abc import Mapping
from typing import Any

from massgen.agents.round import Verdict
from massgen.backends.protocol import ToolCall
from massgen.coordination import prompts
from massgen.coordination.directives import AbandonRound, Directive, Inject, Judge, Proceed, Refuse, Remind
from massgen.coordination.facts import (
    AnswerProposed,
    ApproachDrafted,
    ChecklistSubmitted,
    Fact,
    ResponseEnded,
    SafePointReached,
    StopProposed,
    VoteProposed,
)
from massgen.coordination.state import label_of
from massgen.coordination.workflow import TERMINAL, WORKFLOW_TOOLS
from massgen.engine.briefing import Briefing, workflow_specs
from massgen.engine.coordinator import Coordinator
from massgen.engine.limits import RoundLimits
from massgen.engine.resumption import AskedFact, OpenRound
from massgen.engine.team import TeamAgent, WorkflowHandler
from massgen.engine.watching import ToolWatcher
from massgen.tools.protocol import ToolOutcome

log = logging.getLogger(__name__)
OVER = Verdict(over=True)


class CoordinationJudge:
    """Implements `agents.round.Judge` for one agent. Waiting for the rules' word may take long: that is a hold.

    What a round of a process that died had asked already is not asked again: `going_on` has the answers.
    """

    def __init__(
        self,
        agent: TeamAgent,
        coordinator: Coordinator,
        briefing: Briefing,
        limits: RoundLimits,
        going_on: OpenRound | None = None,
    ) -> None:
        self._agent = agent
        self._coordinator = coordinator
        self._briefing = briefing
        self._limits = limits
        self._asked: deque[AskedFact] = deque(going_on.asked if going_on is not None else ())
        self._served: dict[str, ToolOutcome] = dict(going_on.unfinished.outcomes) if going_on is not None else {}

    def is_workflow(self, name: str) -> bool:
        return name in WORKFLOW_TOOLS or name in self._briefing.team.handlers

    def is_terminal(self, name: str) -> bool:
        return name in TERMINAL

    async def propose(self, call: ToolCall) -> Verdict:
        """A workflow call; malformed ones are tool errors that name what was wrong."""
        handler = self._briefing.team.handlers.get(call.name)
        if handler is not None:
            outcome = self._served.pop(call.call_id, None) or await self._serve(handler, call)
            return Verdict(text=outcome.text, is_error=outcome.is_error)
        try:
            arguments = _arguments(call)
            fact = await self._fact(call.name, arguments)
        except ValueError as error:
            return Verdict(text=str(error), is_error=True)
        return await self._ask(fact)

    async def _serve(self, handler: WorkflowHandler, call: ToolCall) -> ToolOutcome:
        """What a handler does stands in the log like any tool's call."""
        member = self._coordinator.attempt.member(self._agent.number)
        watcher = ToolWatcher(
            stream=self._coordinator.stream, agent_id=self._agent.id, round=max(member.round, 0)
        )
        started = self._now()
        watcher.started(call.call_id, call.name, _lenient(call))
        outcome = await handler(self._agent.number, call)
        watcher.finished(call.call_id, call.name, outcome, (self._now() - started) * 1000)
        return outcome

    async def safe_point(self) -> Verdict:
        fact = SafePointReached(
            at=self._coordinator.clock.now(), agent=self._agent.number, seconds_left=self._limits.seconds_left
        )
        return await self._ask(fact)

    async def response_ended(self, text: str) -> Verdict:
        member = self._coordinator.attempt.member(self._agent.number)
        tree = await self._freeze() if text.strip() and member.count == 0 else None
        fact = ResponseEnded(
            at=self._coordinator.clock.now(),
            agent=self._agent.number,
            text=text,
            tree=tree,
            seconds_left=self._limits.seconds_left,
        )
        return await self._ask(fact)

    async def _fact(self, name: str, arguments: Mapping[str, Any]) -> Fact:
        number = self._agent.number
        match name:
            case "new_answer":
                text = _string(arguments, "content")
                tree = await self._freeze()
                return AnswerProposed(at=self._now(), agent=number, text=text, tree=tree)
            case "vote":
                target = _string(arguments, "agent_id")
                reason = str(arguments.get("reason", ""))
                return VoteProposed(at=self._now(), agent=number, target=target, reason=reason)
            case "stop":
                return StopProposed(at=self._now(), agent=number, reason=str(arguments.get("reason", "")))
            case "submit_checklist":
                return ChecklistSubmitted(
                    at=self._now(),
                    agent=number,
                    scores=_scores(arguments),
                    preferred=str(arguments.get("preferred", "")),
                    improvements=_strings(arguments.get("improvements")),
                )
            case "draft_approach":
                return ApproachDrafted(at=self._now(), agent=number)
            case _:
                raise ValueError(f"{name} is not available in this round.")

    def _now(self) -> float:
        return self._coordinator.clock.now()

    async def _freeze(self) -> str | None:
        """The tree is written before the answer is proposed, so that acceptance needs no I/O."""
        if self._agent.files is None or self._asked:
            return None
        member = self._coordinator.attempt.member(self._agent.number)
        return await self._agent.files.freeze(label_of(self._agent.number, member.count + 1))

    async def _word(self, fact: Fact) -> tuple[Directive, bool]:
        """What the rules say, and whether an injection that follows is in the log already."""
        seat = self._coordinator.seat(self._agent.number)
        earlier = self._asked.popleft() if self._asked else None
        if earlier is not None and earlier.directive is not None:
            return earlier.directive, earlier.told
        if earlier is None:
            seat.clear()
            self._coordinator.submit(fact)
        else:
            seat.hold()
        return await seat.next(), False

    async def _ask(self, fact: Fact) -> Verdict:
        directive, told = await self._word(fact)
        match directive:
            case Refuse(message=message):
                return self._go_on(message, is_error=True)
            case Remind(tools=tools):
                return self._go_on(prompts.reminder_text(tools))
            case Proceed():
                return self._go_on('{"accepted": true}' if isinstance(fact, ApproachDrafted) else "")
            case Inject(labels=labels):
                await self._briefing.show(self._coordinator.attempt, self._agent, labels)
                shown = self._briefing.shown(self._coordinator.attempt, self._agent, labels)
                text = prompts.injection_text(shown)
                if not told:
                    self._coordinator.injected(self._agent.number, labels, text, "peer_answers")
                return self._go_on(text)
            case Judge():
                return self._go_on(_verdict_text(directive, self._briefing.team.rules.checklist_threshold))
            case AbandonRound() if isinstance(fact, SafePointReached):
                self._tell_skipped(fact.seconds_left)
                return OVER
            case _:
                return OVER

    def _tell_skipped(self, left: float | None) -> None:
        """COORD-057: why nothing was injected, for the log."""
        need = self._briefing.team.rules.grace_seconds
        if left is not None and left < need:
            agent = self._agent.id
            log.info(
                "[Orchestrator] Skipping mid-stream injection for %s - only %.0fs until soft timeout "
                "(need %.0fs to think)", agent, left, need,
            )  # fmt: skip

    def _go_on(self, text: str, *, is_error: bool = False) -> Verdict:
        """The round goes on with the tools that are offered now; a cap may have taken some away (COORD-068)."""
        tools = self._coordinator.attempt.member(self._agent.number).tools
        specs = workflow_specs((*tools, *self._briefing.team.handlers))
        return Verdict(text=text, is_error=is_error, tools=specs)


def _verdict_text(judge: Judge, threshold: int) -> str:
    following = "vote" if judge.verdict == "vote" else "draft_approach"
    return json.dumps(
        {
            "verdict": judge.verdict,
            "failing": list(judge.failing),
            "threshold": threshold,
            "best": judge.best,
            "next": following,
            "suggest_novelty_subagent": False,
            "explanation": judge.explanation,
        }
    )


def _arguments(call: ToolCall) -> Mapping[str, Any]:
    try:
        parsed = json.loads(call.arguments or "{}")
    except ValueError as error:
        raise ValueError(f"The arguments of {call.name} are no valid JSON ({error}). Call it again.") from error
    if not isinstance(parsed, dict):
        raise ValueError(f"The arguments of {call.name} must be a JSON object.")
    return parsed


def _lenient(call: ToolCall) -> Mapping[str, Any]:
    """Arguments for the log, whatever they are."""
    try:
        return _arguments(call)
    except ValueError:
        return {"raw": call.arguments}


def _string(arguments: Mapping[str, Any], name: str) -> str:
    value = arguments.get(name)
    if not isinstance(value, str):
        raise ValueError(f"The argument {name!r} is missing or no text.")
    return value


def _strings(value: object) -> tuple[str, ...]:
    return tuple(str(item) for item in value) if isinstance(value, list) else ()


def _scores(arguments: Mapping[str, Any]) -> dict[str, dict[str, int]]:
    """label -> criterion -> score; a score may stand alone or in `{"score": n, "reasoning": ...}`."""
    raw = arguments.get("scores")
    if not isinstance(raw, dict):
        raise ValueError('The argument "scores" must map labels to criteria to scores.')
    found: dict[str, dict[str, int]] = {}
    for label, criteria in raw.items():
        if not isinstance(criteria, dict):
            raise ValueError(f"The scores of {label} must map criteria to scores.")
        found[label] = {name: _score(label, name, value) for name, value in criteria.items()}
    return found


def _score(label: str, criterion: str, value: object) -> int:
    number = value.get("score") if isinstance(value, dict) else value
    if isinstance(number, bool) or not isinstance(number, int | float) or number != int(number):
        raise ValueError(f"The score of {label} in {criterion} is no whole number.")
    return int(number)
