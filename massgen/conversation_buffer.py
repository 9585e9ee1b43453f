"""Documented import path of the conversation buffer (MEM-070)."""

from massgen.agents.buffer import AgentConversationBuffer, TokenCalculator

__all__ = ["AgentConversationBuffer", "TokenCalculator"]
