"""How full a context is (section 9)."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from massgen.backends.protocol import AssistantMessage, ToolCall
from massgen.conversation_buffer import AgentConversationBuffer
from massgen.memory._context_monitor import (
    log_context_usage,
    log_context_usage_from_buffer,
    log_context_usage_from_tokens,
)
from massgen.testing import answer_then_vote
from massgen.testing.replies import Tokens, Turn
from tests.engine.scene import play, scene


class Words:
    def estimate_tokens(self, text: str) -> int:
        return len(text.split())


def filled() -> AgentConversationBuffer:
    buffer = AgentConversationBuffer()
    buffer.add_user("please add these numbers")
    call = ToolCall(call_id="c1", name="add", arguments='{"x": 1}')
    buffer.flush_turn(AssistantMessage(text="I shall", reasoning="hm hm hm", tool_calls=(call,)))
    buffer.add_tool_result("c1", "add", "one two three")
    buffer.inject_update("hurry")
    buffer.add_content("so it")
    buffer.add_reasoning("is it")
    buffer.add_call_part(0, "new_answer half")
    return buffer


@pytest.mark.spec("MEM-070")
def test_the_buffer_counts_each_kind_of_entry_and_what_still_streams() -> None:
    stats = filled().get_token_stats(Words())
    counts = {"user": 4, "assistant": 2, "reasoning": 3, "tool_call": 3, "tool_result": 3}
    assert {kind: stats[kind] for kind in counts} == counts
    assert stats["injection"] == 3
    assert stats["pending"] == 6
    assert filled().estimate_tokens(Words()) == sum(stats.values()) == 24


@pytest.mark.spec("MEM-071", "MEM-072")
def test_the_documented_functions_log_and_return_the_line(caplog: pytest.LogCaptureFixture) -> None:
    buffer = AgentConversationBuffer()
    buffer.add_user("x" * 4 * 45_000)
    with caplog.at_level(logging.INFO, logger="massgen"):
        lines = [
            log_context_usage_from_buffer(buffer, 5, context_window=128_000),
            log_context_usage_from_tokens(45_000, 5, context_window=128_000),
            log_context_usage([{"role": "user", "content": [{"type": "text", "text": "x" * 40}]}], 2),
        ]
    assert lines == [
        "📊 Context Buffer (Turn 5): 45,000 / 128,000 tokens (35%) [buffer]",
        "📊 Context Window (Turn 5): 45,000 / 128,000 tokens (35%) [API actual]",
        "📊 Context Window (Turn 2): 10 tokens [estimate]",
    ]
    assert [record.getMessage() for record in caplog.records] == lines


@pytest.mark.spec("MEM-072")
def test_a_run_logs_the_estimate_before_and_the_provider_s_count_after_each_request(tmp_path: Path) -> None:
    async def story() -> None:
        policy = answer_then_vote("four")

        def counted(request) -> Turn:
            turn = policy(request)
            return Turn(text=turn.text, calls=turn.calls, usage=Tokens(input=44_000, output=1_000))

        async with scene(tmp_path, counted, agents={"amber": {"backend": {"model": "gpt-4o"}}}) as team:
            team.server.scripts["gpt-4o"] = counted
            await team.ask()
            text = (team.attempt() / "massgen.log").read_text()
            lines = [line for line in text.splitlines() if "📊" in line]
            assert "📊 Context Window (Turn 1): 45,000 / 128,000 tokens (35%) [API actual]" in text
            buffers = [line for line in lines if "Context Buffer (Turn 1): " in line and "/ 128,000 tokens" in line]
            assert buffers and lines.index(buffers[0]) == 0
            assert len(team.server.requests) == sum("Context Buffer" in line for line in lines)

    play(story)
