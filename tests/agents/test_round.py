"""The loop of one round: tools first, one decision, injected text in its place."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from massgen.agents.calling import CallRecord, ModelCaller
from massgen.agents.record import Entry
from massgen.agents.round import Round, RoundStart, Verdict
from massgen.backends.protocol import ModelRequest, Retrying, ToolCall, ToolResultMessage, ToolSpec, UserMessage
from massgen.backends.simulated import PolicyBackend, Turn
from massgen.tools.protocol import Injection, ToolOutcome

ANSWER = ToolSpec(name="new_answer", description="", parameters={"type": "object"})
LOOK = ToolSpec(name="look", description="", parameters={"type": "object"})
FRAMED = f"{'=' * 60}\nNEWS\n{'=' * 60}"


class Silent:
    """Implements `CallObserver`."""

    def grew(self, entries: tuple[Entry, ...]) -> None: ...

    def text(self, text: str) -> None: ...

    def reasoning(self, text: str) -> None: ...

    def retrying(self, event: Retrying) -> None: ...

    def warning(self, text: str) -> None: ...

    def finished(self, record: CallRecord) -> None: ...


class Judge:
    """Takes the first new_answer; `words` are what safe points say, in order."""

    def __init__(self, *words: str) -> None:
        self.words = list(words)
        self.proposed: list[str] = []

    def is_workflow(self, name: str) -> bool:
        return name == "new_answer"

    def is_terminal(self, name: str) -> bool:
        return name == "new_answer"

    async def propose(self, call: ToolCall) -> Verdict:
        self.proposed.append(call.arguments)
        return Verdict(over=True)

    async def safe_point(self) -> Verdict:
        return Verdict(text=self.words.pop(0) if self.words else "")

    async def response_ended(self, text: str) -> Verdict:
        return Verdict(text="Go on.")


class Tools:
    """One tool whose outcome is given."""

    def __init__(self, outcome: ToolOutcome) -> None:
        self.outcome = outcome
        self.ran: list[str] = []

    def specs(self) -> tuple[ToolSpec, ...]:
        return (LOOK,)

    async def run_all(self, calls: Sequence[ToolCall]) -> list[ToolOutcome]:
        self.ran += [call.name for call in calls]
        return [self.outcome for _ in calls]


def run(turns: list[Turn], judge: Judge, tools: Tools | None, updates: Sequence[str] = ()) -> list[ModelRequest]:
    """Run a round with a model that replies with `turns`; the requests it got."""
    requests: list[ModelRequest] = []

    def policy(request: ModelRequest) -> Turn:
        requests.append(request)
        return turns[len(requests) - 1]

    caller = ModelCaller(backend=PolicyBackend(policy), observer=Silent(), agent_id="a", round=0, phase="initial")
    start = RoundStart(system="S", message="Q", workflow=(ANSWER,))
    waiting = list(updates)

    def due() -> Sequence[str]:
        found, waiting[:] = tuple(waiting), []
        return found

    asyncio.run(Round(start=start, caller=caller, judge=judge, tools=tools, updates=due).run())
    return requests


DONE = Turn(calls=[("new_answer", {"content": "x"})])
CALL = Turn(calls=[("look", {})])


@pytest.mark.spec("HOOK-026", "COORD-056")
def test_injected_text_stands_behind_the_result_framed_blocks_as_they_are():
    outcome = ToolOutcome(text="a cat", injections=(Injection(content=FRAMED), Injection(content="mind it")))
    requests = run([CALL, DONE], Judge("PEERS"), Tools(outcome))
    (_, _, result) = requests[1].messages
    assert isinstance(result, ToolResultMessage)
    assert result.text.startswith(f"a cat\n\n{FRAMED}\n\n═")
    assert "SYSTEM CONTEXT (not part of tool output):\n- mind it" in result.text
    assert result.text.endswith("\n\nPEERS")


@pytest.mark.spec("HOOK-023")
def test_a_hook_may_add_a_message_behind_all_results():
    outcome = ToolOutcome(text="a cat", injections=(Injection(content="note", strategy="user_message"),))
    requests = run([CALL, DONE], Judge(), Tools(outcome))
    last = requests[1].messages[-1]
    assert isinstance(last, UserMessage) and "note" in last.text


@pytest.mark.spec("COORD-018")
def test_ordinary_tools_run_before_the_decision_even_if_called_after_it():
    judge, tools = Judge(), Tools(ToolOutcome(text="ok"))
    both = Turn(calls=[("new_answer", {"content": "x"}), ("look", {}), ("new_answer", {"content": "y"})])
    run([both], judge, tools)
    assert tools.ran == ["look"] and len(judge.proposed) == 1


@pytest.mark.spec("COORD-116")
def test_updates_come_with_the_end_of_a_response_too():
    requests = run([Turn(text="hm"), DONE], Judge(), None, updates=["TIME"])
    last = requests[1].messages[-1]
    assert isinstance(last, UserMessage) and last.text == "TIME\n\nGo on."


@pytest.mark.spec("COORD-027")
def test_an_unknown_tool_is_an_error_that_names_what_there_is():
    requests = run([Turn(calls=[("nosuch", {})]), DONE], Judge(), None)
    result = requests[1].messages[-1]
    assert isinstance(result, ToolResultMessage) and result.is_error and "new_answer" in result.text
