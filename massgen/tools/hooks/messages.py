"""Outcomes as messages of a conversation, injected texts in their place (HOOK-023 to HOOK-026).

Neutral messages are enough for every provider: all tool results first, then user messages, which the
backends write in their provider's form (one user message with tool_result and text blocks for Anthropic,
a `tool` then a `user` message for OpenAI).
"""

from __future__ import annotations

from collections.abc import Sequence

from massgen.backends.protocol import Message, ToolCall, ToolResultMessage, UserMessage
from massgen.tools.protocol import Injection, ToolOutcome

CONTEXT_RULE = "═" * 55
FRAME_RULE = "=" * 60


def result_messages(calls: Sequence[ToolCall], outcomes: Sequence[ToolOutcome]) -> list[Message]:
    """The messages that follow a response with `calls`; `outcomes` are in call order."""
    results: list[Message] = [
        ToolResultMessage(
            call_id=call.call_id,
            name=call.name,
            text=with_injections(outcome),
            is_error=outcome.is_error,
            media=outcome.media,
        )
        for call, outcome in zip(calls, outcomes, strict=True)
    ]
    later = [each for outcome in outcomes for each in outcome.injections if each.strategy == "user_message"]
    return results + [UserMessage(text=each.content) for each in later]


def with_injections(outcome: ToolOutcome) -> str:
    """The result's text and what is appended: framed blocks as they are, others in one context block."""
    appended = [each for each in outcome.injections if each.strategy == "tool_result"]
    framed = [each.content for each in appended if has_frame(each)]
    plain = [each.content for each in appended if not has_frame(each)]
    parts = [outcome.text, *framed]
    if plain:
        parts.append(context_block(plain))
    return "\n\n".join(part.strip("\n") for part in parts) if appended else outcome.text


def has_frame(injection: Injection) -> bool:
    """Whether the text brings a `=` frame of its own (HOOK-026)."""
    return injection.content.lstrip().startswith(FRAME_RULE)


def context_block(notes: Sequence[str]) -> str:
    """Notes between two rules, told apart from the tool's output."""
    items = "\n".join(f"- {note.strip()}" for note in notes)
    return f"{CONTEXT_RULE}\nSYSTEM CONTEXT (not part of tool output):\n{items}\n{CONTEXT_RULE}"


def framed(title: str, *sections: str) -> str:
    """A block between `=` rules with a title, sections parted by rules."""
    body = f"\n{FRAME_RULE}\n".join(section.strip("\n") for section in sections)
    return f"{FRAME_RULE}\n{title}\n{FRAME_RULE}\n{body}\n{FRAME_RULE}"
