"""One agent's conversation: what is pending, what is permanent, what a model is sent."""

from __future__ import annotations

import pytest

from massgen.agents.buffer import AgentConversationBuffer
from massgen.backends.protocol import AssistantMessage, ToolCall, ToolResultMessage, UserMessage

LOOK = ToolCall(call_id="c1", name="look", arguments='{"at": "it"}')


class Words:
    """Counts words."""

    def estimate_tokens(self, text: str) -> int:
        return len(text.split())


@pytest.mark.spec("COORD-055", "MEM-070")
def test_a_stream_is_pending_until_it_is_flushed():
    buffer = AgentConversationBuffer()
    buffer.add_user("Question")
    buffer.add_content("I ")
    buffer.add_content("look.")
    buffer.add_reasoning("hm")
    buffer.add_tool_call(LOOK)
    assert buffer.to_messages() == (UserMessage(text="Question"),)
    buffer.flush_turn()
    (_, said) = buffer.to_messages()
    assert isinstance(said, AssistantMessage)
    assert (said.text, said.reasoning, said.tool_calls) == ("I look.", "hm", (LOOK,))


@pytest.mark.spec("COORD-055")
def test_an_injected_update_is_a_user_message_between_tags_after_the_agents_own_work():
    buffer = AgentConversationBuffer()
    buffer.add_content("I look.")
    buffer.add_tool_call(LOOK)
    buffer.flush_turn()
    buffer.add_tool_result("c1", "look", "a cat")
    buffer.inject_update("agent1 answered")
    *_, result, update = buffer.to_messages()
    assert isinstance(result, ToolResultMessage) and result.text == "a cat"
    assert update == UserMessage(text="<runtime_update>\nagent1 answered\n</runtime_update>")


@pytest.mark.spec("COORD-055")
def test_a_failed_call_leaves_nothing_behind():
    buffer = AgentConversationBuffer()
    buffer.add_content("half")
    buffer.discard_pending()
    assert buffer.flush_turn() == AssistantMessage(text="")


@pytest.mark.spec("MEM-070")
def test_tokens_are_counted_by_kind_pending_ones_included():
    buffer = AgentConversationBuffer()
    buffer.add_user("two words")
    buffer.add_content("three words here")
    buffer.add_tool_call(LOOK)
    buffer.flush_turn()
    buffer.add_tool_result("c1", "look", "a cat")
    buffer.add_content("pending")
    stats = buffer.get_token_stats(Words())
    assert stats == {"user": 2, "assistant": 3, "tool_call": 3, "tool_result": 2, "pending": 1}
    assert buffer.estimate_tokens(Words()) == 11
