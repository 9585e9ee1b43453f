"""`ask_others`: questions of an agent to its peers' shadows, or to a person (COORD-143 to COORD-151)."""

from __future__ import annotations

import asyncio
import json
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol

from msgspec import Struct

from massgen.backends.protocol import (
    AssistantMessage,
    Message,
    ToolCall,
    ToolResultMessage,
    UserMessage,
)
from massgen.engine.person import AskHuman, HumanQuestion
from massgen.engine.preparing.oneshot import FAILURES, Asker
from massgen.engine.team import TeamAgent
from massgen.tools.protocol import ToolOutcome

SENSITIVITY = {
    "low": "Ask others with ask_others only when you cannot go on without.",
    "medium": "Ask others with ask_others when a decision depends on what you do not know.",
    "high": "Ask others with ask_others often: before decisions, and to check your understanding.",
}
DEPTH = {
    "low": "Answer briefly, the basics only.",
    "medium": "Answer in a few sentences, balanced.",
    "high": "Answer thoroughly: approach, architecture, tools, and why.",
}
HISTORY_NOTE = (
    "The human has already answered questions this session. Review the history above; ask again if it does not help."
)


class Table(Protocol):
    """What a broadcast needs of the running turn."""

    def conversation(self, number: int) -> Sequence[Message]: ...

    def inject(self, text: str, agent_id: str | None = None) -> bool: ...


class BroadcastRules(Struct, frozen=True, kw_only=True):
    """`mode` is whom agents ask; `timeout` in seconds."""

    mode: Literal["agents", "human"]
    timeout: float = 300.0
    most: int = 10
    depth: str = "medium"


@dataclass(slots=True)
class HumanAnswers:
    """What people answered in this session; one question at a time (`asking` serialises, COORD-148)."""

    history: list[tuple[str, str]] = field(default_factory=list)
    asking: asyncio.Lock = field(default_factory=asyncio.Lock)


@dataclass(slots=True)
class Broadcasts:
    """Serves the two tools of all agents. `table` is set when the turn runs."""

    agents: Sequence[TeamAgent]
    rules: BroadcastRules
    asker: Asker
    human: AskHuman | None
    answers: HumanAnswers
    table: Table | None = None
    _active: dict[int, int] = field(default_factory=dict)
    _shown: set[int] = field(default_factory=set)

    async def ask(self, number: int, call: ToolCall) -> ToolOutcome:
        """`ask_others(question)`; blocks until all responses, or the timeout, are there."""
        question = _question(call)
        if not question:
            return ToolOutcome(text="The argument 'question' is missing or empty.", is_error=True)
        if self._active.get(number, 0) >= self.rules.most:
            return ToolOutcome(text=f"You have asked {self.rules.most} questions, which is the limit.", is_error=True)
        self._active[number] = self._active.get(number, 0) + 1
        if self.rules.mode == "human":
            return _outcome(await self._ask_human(number, question))
        return _outcome(await self._ask_agents(number, question))

    async def respond(self, number: int, call: ToolCall) -> ToolOutcome:
        """`respond_to_broadcast`: kept for old prompts (COORD-150)."""
        return ToolOutcome(text="Not needed: responses are handled automatically.")

    async def _ask_agents(self, number: int, question: str) -> dict[str, object]:
        request_id = secrets.token_hex(4)
        others = [agent for agent in self.agents if agent.number != number]
        responses: dict[int, str] = {}

        async def shadow(agent: TeamAgent) -> None:
            text = await self._shadow(agent, number, question)
            if text:
                responses[agent.number] = text
                self._tell_parent(agent, number, question, text)

        complete = True
        try:
            async with asyncio.timeout(self.rules.timeout), asyncio.TaskGroup() as group:
                for agent in others:
                    group.create_task(shadow(agent))
        except TimeoutError:
            complete = False
        found = [
            {"responder_id": f"agent{n}", "content": responses[n], "is_human": False} for n in sorted(responses)
        ]
        return {"status": "complete" if complete else "timeout", "request_id": request_id, "responses": found}

    async def _shadow(self, agent: TeamAgent, asker: int, question: str) -> str:
        """The parent's knowledge answers; the parent itself works on (COORD-145)."""
        system = "\n\n".join(
            (*agent.system_parts, f"A peer asks you something while you work on the task. {DEPTH[self.rules.depth]}")
        )
        history = flattened(self.table.conversation(agent.number)) if self.table is not None else ()
        message = f"agent{asker} asks: {question}"
        try:
            return await self.asker.text(
                agent.backend, system, message, agent_id=agent.id, purpose="broadcast", history=history
            )
        except FAILURES:
            return ""

    def _tell_parent(self, agent: TeamAgent, asker: int, question: str, text: str) -> None:
        if self.table is None:
            return
        note = (
            f'[INFO] While you were working, agent{asker} asked: "{question}" Your shadow agent responded: "{text}" '
            "(This is just for your awareness - you may continue your work.)"
        )
        self.table.inject(note, agent.id)

    async def _ask_human(self, number: int, question: str) -> dict[str, object]:
        async with self.answers.asking:
            if self.answers.history and number not in self._shown:
                self._shown.add(number)
                return {
                    "status": "deferred",
                    "responses": [],
                    "human_qa_history": [{"question": q, "answer": a} for q, a in self.answers.history],
                    "human_qa_note": HISTORY_NOTE,
                }
            if self.human is None:
                return {"status": "complete", "responses": []}
            try:
                async with asyncio.timeout(self.rules.timeout):
                    agent = next(item for item in self.agents if item.number == number)
                    asked = HumanQuestion(asker=agent.id, text=question, seconds=self.rules.timeout)
                    answer = await self.human(asked)
            except TimeoutError:
                return {"status": "timeout", "responses": []}
            if not answer or not isinstance(answer, str):
                return {"status": "complete", "responses": []}
            self.answers.history.append((question, answer))
            self._shown.add(number)
            return {
                "status": "complete",
                "responses": [{"responder_id": "human", "content": answer, "is_human": True}],
            }


def _outcome(value: dict[str, object]) -> ToolOutcome:
    return ToolOutcome(text=json.dumps(value, ensure_ascii=False))


def _question(call: ToolCall) -> str:
    try:
        value = json.loads(call.arguments or "{}")
    except ValueError:
        return ""
    question = value.get("question") if isinstance(value, dict) else None
    return question.strip() if isinstance(question, str) else ""


def flattened(messages: Sequence[Message]) -> tuple[Message, ...]:
    """A conversation as plain texts, so that calls without results do not break the request."""
    found: list[Message] = []
    for message in messages:
        match message:
            case UserMessage():
                found.append(UserMessage(text=message.text))
            case AssistantMessage():
                calls = "".join(f"\n[called {call.name} {call.arguments}]" for call in message.tool_calls)
                found.append(AssistantMessage(text=f"{message.text}{calls}" or "..."))
            case ToolResultMessage():
                found.append(UserMessage(text=f"[result of {message.name}] {message.text}"))
    return tuple(found)
