"""One agent's conversation: what was said, called, returned and injected, and what is still streaming.

A response is pending until `flush_turn` makes it permanent (COORD-055, MEM-070). Text that was sent is never
edited, so that providers' prompt caches hit; only a conversation that does not fit any more is shortened.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol, assert_never

from massgen.agents.record import Entry, PastStep, Shortened, result_entry, shortened_entry, user_entry
from massgen.backends.protocol import (
    AssistantMessage,
    Media,
    Message,
    ToolCall,
    ToolResultMessage,
    UserMessage,
)

EntryKind = Literal["user", "assistant", "reasoning", "tool_call", "tool_result", "injection", "pending"]


class TokenCalculator(Protocol):
    """Counts the tokens of a text."""

    def estimate_tokens(self, text: str) -> int: ...


@dataclass(slots=True)
class AgentConversationBuffer:
    """Feed it with the `add_*` methods while a stream runs, close the response with `flush_turn`.

    `take_new` gives what came since the last response in the form of the log, once; the request is no part of it.
    """

    _entries: list[tuple[EntryKind, Message]] = field(default_factory=list)
    _text: list[str] = field(default_factory=list)
    _reasoning: list[str] = field(default_factory=list)
    _calls: list[ToolCall] = field(default_factory=list)
    _partial: dict[int, list[str]] = field(default_factory=dict)
    _request: int = 0
    _new: list[Entry] = field(default_factory=list)

    def add_request(self, text: str, media: Sequence[Media] = ()) -> None:
        """What the model is asked to do; it stays whatever is shortened."""
        self._request = len(self._entries)
        self._entries.append(("user", UserMessage(text=text, media=tuple(media))))

    def add_user(self, text: str, media: Sequence[Media] = ()) -> None:
        """A message put before the model by the program or a person."""
        self._entries.append(("user", UserMessage(text=text, media=tuple(media))))
        self._new.append(user_entry(text))

    def add_earlier(self, message: Message) -> None:
        """A message of an earlier turn, as it was."""
        self._entries.append(("assistant" if isinstance(message, AssistantMessage) else "user", message))

    def add_content(self, text: str) -> None:
        """More text of the running response."""
        self._text.append(text)

    def add_reasoning(self, text: str) -> None:
        """More reasoning of the running response."""
        self._reasoning.append(text)

    def add_tool_call(self, call: ToolCall) -> None:
        """A call of the running response, whole."""
        self._calls.append(call)

    def add_call_part(self, index: int, text: str) -> None:
        """More of a call whose arguments still stream: its name, then pieces of JSON."""
        self._partial.setdefault(index, []).append(text)

    def discard_pending(self) -> AssistantMessage:
        """Forget the running response, because the call failed; how far it had come."""
        partial = ["".join(parts) for parts in self._partial.values()]
        said = AssistantMessage(
            text="\n".join(("".join(self._text), *partial)).strip("\n") if partial else "".join(self._text),
            reasoning="".join(self._reasoning),
            tool_calls=tuple(self._calls),
        )
        self._partial.clear()
        self._text.clear()
        self._reasoning.clear()
        self._calls.clear()
        return said

    def flush_turn(self, message: AssistantMessage | None = None) -> AssistantMessage:
        """The response is done: `message` as the backend folded it, else the fold of what was added."""
        self._partial.clear()
        said = self.discard_pending()
        folded = message or said
        self._entries.append(("assistant", folded))
        return folded

    def add_tool_result(
        self,
        call_id: str,
        name: str,
        text: str,
        *,
        is_error: bool = False,
        media: Sequence[Media] = (),
        returned: str | None = None,
    ) -> None:
        """The result of one call; `returned` is the part of it that the log has as the end of a tool call."""
        result = ToolResultMessage(call_id=call_id, name=name, text=text, is_error=is_error, media=tuple(media))
        self._entries.append(("tool_result", result))
        self._new.append(result_entry(result, returned))

    def inject_update(self, text: str, *, tag: str = "runtime_update") -> None:
        """An update from outside as one new user message between tags."""
        message = UserMessage(text=f"<{tag}>\n{text}\n</{tag}>")
        self._entries.append(("injection", message))
        self._new.append(user_entry(message.text))

    def take_new(self) -> tuple[Entry, ...]:
        """What was added behind the last response since this was asked last."""
        new = tuple(self._new)
        self._new.clear()
        return new

    def recall(self, step: PastStep) -> None:
        """One step of a conversation that the log has already."""
        match step:
            case Shortened(kept=kept, summary=summary):
                self._cut(kept, summary)
            case AssistantMessage():
                self._entries.append(("assistant", step))
            case ToolResultMessage():
                self._entries.append(("tool_result", step))
            case UserMessage():
                self._entries.append(("user", step))
            case _:
                assert_never(step)

    def to_messages(self) -> tuple[Message, ...]:
        """The permanent conversation, in order."""
        return tuple(message for _, message in self._entries)

    def since_request(self) -> tuple[Message, ...]:
        """What followed the request; earlier turns stand before it."""
        return tuple(message for _, message in self._entries[self._request + 1 :])

    def shorten(self, newest: int, summary: str) -> None:
        """Keep the request and the `newest` messages after it; `summary` stands last, as the model's own words
        (MEM-075)."""
        self._cut(newest, summary)
        self._new.append(shortened_entry(newest, summary))

    def _cut(self, newest: int, summary: str) -> None:
        later = self._entries[self._request + 1 :]
        kept = later[len(later) - newest :] if newest else []
        request = self._entries[self._request : self._request + 1]
        self._entries[:] = [*request, *kept, ("assistant", AssistantMessage(text=summary))]
        self._request = 0

    def so_far(self) -> tuple[Message, ...]:
        """The conversation with the response that is still streaming, as far as it has come."""
        pending = "".join(self._text)
        return (*self.to_messages(), AssistantMessage(text=pending)) if pending else self.to_messages()

    def estimate_tokens(self, calculator: TokenCalculator) -> int:
        """All tokens, pending content included."""
        return sum(self.get_token_stats(calculator).values())

    def get_token_stats(self, calculator: TokenCalculator) -> dict[str, int]:
        """Tokens by kind of entry: user, assistant, reasoning, tool_call, tool_result, injection, pending."""
        sums: dict[str, int] = {}

        def count(kind: EntryKind, text: str) -> None:
            if text:
                sums[kind] = sums.get(kind, 0) + calculator.estimate_tokens(text)

        for kind, message in self._entries:
            if isinstance(message, AssistantMessage):
                count("assistant", message.text)
                count("reasoning", message.reasoning)
                for call in message.tool_calls:
                    count("tool_call", f"{call.name} {call.arguments}")
            else:
                count(kind, message.text)
        partial = ("".join(parts) for parts in self._partial.values())
        calls = (f"{call.name} {call.arguments}" for call in self._calls)
        count("pending", "\n".join(("".join(self._text), "".join(self._reasoning), *calls, *partial)).strip("\n"))
        return sums
