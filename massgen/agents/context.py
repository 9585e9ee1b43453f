"""How full a model's context is: an estimate without the provider, and the lines that say so (MEM-070 to MEM-072)."""

from __future__ import annotations

from msgspec import Struct

from massgen.agents.buffer import AgentConversationBuffer
from massgen.backends.protocol import AssistantMessage, Message

BYTES_PER_TOKEN = 4


class TokenEstimate(Struct, frozen=True):
    """A `TokenCalculator` that needs no model: four bytes are a token."""

    def estimate_tokens(self, text: str) -> int:
        return -(-len(text.encode("utf-8", "surrogatepass")) // BYTES_PER_TOKEN)


ESTIMATE = TokenEstimate()


def message_tokens(message: Message) -> int:
    """The estimate for one message with its reasoning and calls."""
    if isinstance(message, AssistantMessage):
        calls = "".join(f"{call.name} {call.arguments}" for call in message.tool_calls)
        return ESTIMATE.estimate_tokens(message.text + message.reasoning + calls)
    return ESTIMATE.estimate_tokens(message.text)


def buffer_line(buffer: AgentConversationBuffer, turn: int, window: int | None = None) -> str:
    """What the conversation is estimated to take, before a request."""
    return f"📊 Context Buffer (Turn {turn}): {share(buffer.estimate_tokens(ESTIMATE), window)} [buffer]"


def window_line(tokens: int, turn: int, window: int | None = None) -> str:
    """What the provider counted, after a response."""
    return f"📊 Context Window (Turn {turn}): {share(tokens, window)} [API actual]"


def share(tokens: int, window: int | None) -> str:
    """`45,000 / 128,000 tokens (35%)`; only the first number where the window is not known."""
    return f"{tokens:,} / {window:,} tokens ({tokens * 100 // window}%)" if window else f"{tokens:,} tokens"
