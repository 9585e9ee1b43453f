"""A conversation that does not fit its model any more (section 9)."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from massgen.agents.compression import fitting
from massgen.backends.protocol import AssistantMessage, Message, ToolCall, ToolResultMessage
from massgen.events.types import Warned
from massgen.testing import answer_then_vote, call
from massgen.testing.replies import BadFrame, HttpError, Turn
from massgen.testing.requests import ReceivedRequest
from tests.engine.scene import Scene, play, scene, use

FULL = HttpError(status=400, context=True)
VOTE = use(call("vote", agent_id="agent1", reason="clear"))
SUMMARY = "Read the notes; the code word is heron."
WORKSPACE = {"cwd": "workspace"}


def is_summary(request: ReceivedRequest) -> bool:
    return not request.view.tools and "too long" in request.view.system


class Overflowing:
    """Uses a tool `steps` times, then finds the conversation too long `errors` times, then answers."""

    def __init__(self, *, steps: int = 1, errors: int = 1, reply: Any = SUMMARY, tool: Any = None) -> None:
        self.steps, self.errors, self.reply = steps, errors, reply
        self.tool = tool or (lambda number: call("write_file", path=f"n{number}.txt", content=f"note {number}"))
        self.full = 0
        self.calls = 0
        self.rest: Callable[[ReceivedRequest], Turn] = answer_then_vote("done")

    def __call__(self, request: ReceivedRequest) -> Any:
        if is_summary(request):
            return self.reply if not isinstance(self.reply, str) else Turn(text=self.reply)
        if self.calls < self.steps:
            self.calls += 1
            return Turn(calls=(self.tool(self.calls),), text=f"step {self.calls}", chunks=2)
        if self.full < self.errors:
            self.full += 1
            return FULL
        return self.rest(request)


def after_summary(team: Scene) -> ReceivedRequest:
    requests = team.server.requests
    return requests[next(i for i, request in enumerate(requests) if is_summary(request)) + 1]


def warnings(team: Scene) -> str:
    return "\n".join(body.text for body in team.bodies(Warned))


@pytest.mark.spec("MEM-074", "MEM-075")
def test_an_overflow_is_summarised_and_the_request_repeated_with_the_summary_last(tmp_path: Path) -> None:
    async def story() -> None:
        async with scene(tmp_path, Overflowing(), backend=WORKSPACE) as team:
            result = await team.ask()
            assert (result.exit_code, result.answers[0].text) == (0, "done")
            first, repeated = team.server.requests[0], after_summary(team)
            roles = [role for role, _ in repeated.view.messages]
            assert roles == ["user", "assistant"]
            assert repeated.view.messages[0][1] == first.view.messages[0][1]
            assert SUMMARY in repeated.view.messages[-1][1]
            assert repeated.view.system == first.view.system
            assert "📦 Context compressed: Removed 2 messages" in warnings(team)

    play(story)


@pytest.mark.spec("MEM-074")
def test_a_second_overflow_is_the_agent_s_error(tmp_path: Path) -> None:
    async def story() -> None:
        async with scene(tmp_path, Overflowing(errors=9), answer_then_vote("other"), backend=WORKSPACE) as team:
            result = await team.ask()
            assert (result.exit_code, result.winner) == (0, "birch")
            assert team.status()["agents"]["amber"]["error"]["type"] == "context_length"
            assert len(team.requests("model-a")) == 4

    play(story)


@pytest.mark.spec("MEM-076")
def test_the_summary_is_made_of_calls_results_reasoning_and_what_was_streaming(tmp_path: Path) -> None:
    broken = BadFrame(
        frame=b'data: {"error": {"message": "maximum context length is 8192 tokens", '
        b'"code": "context_length_exceeded"}}\n\n',
        after_chunks=2,
        turn=Turn(text="I was about to say a long thing", chunks=3),
    )

    async def story() -> None:
        script = Overflowing(tool=lambda number: call("write_file", path="heron.txt", content="the code word"))
        played = script.__call__

        def decide(request: ReceivedRequest) -> Any:
            reply = played(request)
            return broken if reply is FULL else reply

        async with scene(tmp_path, decide, backend=WORKSPACE) as team:
            result = await team.ask()
            (asked,) = [request for request in team.server.requests if is_summary(request)]
            text = asked.view.text
            assert "write_file" in text and "the code word" in text and "heron.txt" in text and "step 1" in text
            assert "I was about to" in text
            assert result.answers[0].text == "done"

    play(story)


@pytest.mark.spec("MEM-077", "MEM-076")
@pytest.mark.parametrize(("ratio", "kept"), [(None, 4), (0.30, 6), (0.10, 2)])
def test_the_ratio_of_newest_messages_stays_verbatim(tmp_path: Path, ratio: float | None, kept: int) -> None:
    async def story() -> None:
        coordination = {} if ratio is None else {"compression_target_ratio": ratio}
        orchestrator = {"coordination": coordination}
        async with scene(tmp_path, Overflowing(steps=10), backend=WORKSPACE, orchestrator=orchestrator) as team:
            await team.ask()
            repeated = after_summary(team)
            assert len(repeated.view.messages) == 1 + kept + 1
            assert {made.call_id for made in repeated.view.calls} == {one.call_id for one in repeated.view.results}
            assert "step 10" in repeated.view.text and "step 1\n" not in repeated.view.text

    play(story)


@pytest.mark.spec("MEM-076")
def test_no_result_is_kept_without_its_call() -> None:
    messages: list[Message] = []
    for number in range(6):
        calls = tuple(ToolCall(call_id=f"{number}{letter}", name="t", arguments="{}") for letter in "ab")
        messages.append(AssistantMessage(text="x", tool_calls=calls))
        messages += [ToolResultMessage(call_id=one.call_id, name="t", text="y") for one in calls]
    for count in range(len(messages) + 1):
        kept = messages[len(messages) - fitting(messages, count, 10**6) :]
        made = {one.call_id for message in kept if isinstance(message, AssistantMessage) for one in message.tool_calls}
        assert made == {message.call_id for message in kept if isinstance(message, ToolResultMessage)}


@pytest.mark.spec("MEM-074")
def test_a_summary_that_fails_is_replaced_by_the_ends_of_the_messages(tmp_path: Path) -> None:
    async def story() -> None:
        refused = HttpError(status=400, message="no summaries today")
        async with scene(tmp_path, Overflowing(reply=refused), backend=WORKSPACE) as team:
            result = await team.ask()
            assert result.answers[0].text == "done"
            requests = [request for request in team.server.requests if not is_summary(request)]
            assert "note 1" in requests[2].view.messages[-1][1]
            assert "could not be summarised" in warnings(team)

    play(story)


@pytest.mark.spec("MEM-078", "LOG-008")
@pytest.mark.parametrize("logs", [True, False])
def test_the_record_of_the_round_stays_readable_after_a_compression(tmp_path: Path, logs: bool) -> None:
    found: list[str] = []

    async def story() -> None:
        script = Overflowing()

        def rest(request: ReceivedRequest) -> Turn:
            text = request.view.messages[-1][1]
            if "Summary of the work" in text:
                path = next(word.rstrip(";") for word in text.split() if word.endswith("execution_trace.md;"))
                return use(call("read_file", path=path))
            if request.view.results and not found:
                found.append(request.view.results[-1].text)
            return answer_then_vote("done")(request)

        script.rest = rest
        async with scene(tmp_path, script, backend=WORKSPACE) as team:
            if not logs:
                team.config["ui"] = {"logging_enabled": False}
            await team.ask()
        (trace,) = found
        assert "note 1" in trace and "Execution Trace: agent1" in trace
        assert "amber" not in trace.replace("temp_workspaces/amber", "") and "model-a" not in trace

    play(story)


@pytest.mark.spec("LOG-008")
def test_a_peer_reads_how_an_answer_came_about(tmp_path: Path) -> None:
    seen: list[str] = []

    async def story() -> None:
        first = Overflowing(errors=0)

        def peer(request: ReceivedRequest) -> Turn:
            if "vote" in request.view.tool_names and "agent1.1" in request.view.text:
                if not request.view.results:
                    place = str(next((tmp_path / ".massgen" / "temp_workspaces" / "birch").glob("traces/agent1.1.md")))
                    return use(call("read_file", path=place))
                seen.append(request.view.results[-1].text)
                return VOTE
            return answer_then_vote("other")(request)

        async with scene(tmp_path, first, peer, backend=WORKSPACE) as team:
            await team.ask()
        assert "note 1" in seen[0] and "Answer Submitted" in seen[0]
        assert "amber" not in seen[0] and "model-a" not in seen[0]

    play(story)


@pytest.mark.spec("MEM-073", "MEM-075")
def test_at_the_threshold_the_conversation_is_cut_to_the_target_before_the_request(tmp_path: Path) -> None:
    async def story() -> None:
        big = "word " * 16_000
        script = Overflowing(
            steps=5, errors=0, tool=lambda number: call("write_file", path=f"n{number}.txt", content=f"{number} {big}")
        )
        async with scene(
            tmp_path, script, backend=WORKSPACE, agents={"amber": {"backend": {"model": "gpt-4o"}}}
        ) as team:
            team.server.scripts["gpt-4o"] = script
            team.config["memory"] = {"compression": {"trigger_threshold": 0.75, "target_ratio": 0.4}}
            result = await team.ask()
            assert result.answers[0].text == "done"
            told = warnings(team)
            assert " / 128,000 tokens (7" in told and "[buffer] - Approaching limit!" in told
            assert "🔄 Attempting compression (" in told and "→ 51,200 tokens)" in told
            assert "Kept 4 recent messages (40," in told
            assert script.full == 0
            repeated = after_summary(team)
            assert [role for role, _ in repeated.view.messages][:2] == ["user", "assistant"]
            assert SUMMARY in repeated.view.messages[-1][1]

    play(story)
