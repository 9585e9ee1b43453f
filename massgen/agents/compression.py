"""A conversation that outgrows its model: the older part becomes a summary, the newest part stays (MEM-073 to 077).

The summary is made by the agent's own model in one call without tools. Where that fails, the heads and tails of
the messages stand in for it, so that the agent goes on.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from msgspec import Struct

from massgen.agents.buffer import AgentConversationBuffer
from massgen.agents.context import BYTES_PER_TOKEN, ESTIMATE, buffer_line, message_tokens, share, window_line
from massgen.agents.notes import NoteRules, NoteTaking
from massgen.backends.protocol import AssistantMessage, Message, ToolResultMessage, Usage
from massgen.errors import BackendError, ContextTooLong

log = logging.getLogger(__name__)

SUMMARY_SYSTEM = (
    "Your conversation is too long and is cut here. From the record below write what you need to finish the task "
    "without it: what was done and decided, facts, file names and tool results that matter, what is left to do. "
    "At most 600 words, nothing else."
)
MIN_SOURCE = 16_000
SOURCE_SHARE = 0.6
DIGEST = 6_000
WORTHWHILE = 0.1

Summarise = Callable[[str, str], Awaitable[str]]


class ContextRules(Struct, frozen=True, kw_only=True):
    """When and how far an agent's conversation is shortened.

    `kept_messages` is the share of messages that stay after a context-length error. `window` gives the context
    size of the model in tokens, None where it is not known. From the share `trigger` of it on (None: never) the
    conversation is cut to the share `target` before a request. With `notes` the agent writes its own summary.
    """

    kept_messages: float = 0.20
    window: Callable[[], int | None] = lambda: None
    trigger: float | None = None
    target: float = 0.40
    notes: NoteRules | None = None


async def _no_trace() -> str:
    return ""


@dataclass(slots=True, kw_only=True)
class Compression:
    """Watches the conversation of one round. `say` tells people, `trace` writes the record of the round where the
    agent can read it and gives the path, empty without one (MEM-078). What the provider counted beyond the
    estimate (system text, tools) is added to the next one."""

    rules: ContextRules
    agent_id: str
    say: Callable[[str], None]
    trace: Callable[[], Awaitable[str]] = _no_trace
    _requests: int = 0
    _window: int | None = None
    _estimate: int = 0
    _beside: int = 0
    _notes: NoteTaking | None = None

    def __post_init__(self) -> None:
        if self.rules.notes is not None:
            self._notes = NoteTaking(self.rules.notes)

    async def before(self, buffer: AgentConversationBuffer, summarise: Summarise) -> None:
        """A request is about to be made: shorten what has reached the threshold."""
        self._requests += 1
        self._window = window = await asyncio.to_thread(self.rules.window)
        log.info("[%s] %s", self.agent_id, buffer_line(buffer, self._requests, window))
        self._estimate = buffer.estimate_tokens(ESTIMATE)
        if window is None:
            return
        tokens = self._estimate + self._beside
        if self._notes is not None:
            await self._by_notes(buffer, summarise, tokens, window)
        elif self.rules.trigger is not None and tokens >= window * self.rules.trigger:
            await self._by_threshold(buffer, summarise, tokens, window)

    def after(self, usage: Usage) -> None:
        """A response came; log what the provider counted."""
        if usage.input_tokens is not None:
            self._beside = max(0, usage.input_tokens - self._estimate)
            tokens = usage.input_tokens + (usage.output_tokens or 0)
            log.info("[%s] %s", self.agent_id, window_line(tokens, self._requests, self._window))

    async def recover(self, buffer: AgentConversationBuffer, cut_off: AssistantMessage, summarise: Summarise) -> None:
        """The provider found the conversation too long; `cut_off` is what it had said by then (MEM-074).

        Raises `ContextTooLong` when the summary does not fit either.
        """
        messages = buffer.to_messages()
        total = sum(map(message_tokens, messages))
        self.say(f"⚠️ The conversation is too long for the model ({total:,} tokens by estimate); it is compressed.")
        count = int(len(messages) * self.rules.kept_messages + 1e-9)
        newest = fitting(buffer.since_request(), count, total // 2)
        said = (cut_off,) if cut_off.text or cut_off.reasoning or cut_off.tool_calls else ()
        await self._shorten(buffer, newest, summarise, (*messages, *said))

    async def _by_threshold(
        self, buffer: AgentConversationBuffer, summarise: Summarise, tokens: int, window: int
    ) -> None:
        target = int(window * self.rules.target)
        later = buffer.since_request()
        newest = fitting(later, len(later), target)
        if sum(map(message_tokens, later[: len(later) - newest])) < window * WORTHWHILE:
            return
        self._announce(window, tokens, target)
        await self._shorten(buffer, newest, summarise, buffer.to_messages())

    def _announce(self, window: int, tokens: int, target: int) -> None:
        self.say(f"⚠️ Context Buffer (Turn {self._requests}): {share(tokens, window)} [buffer] - Approaching limit!")
        self.say(f"🔄 Attempting compression ({tokens:,} → {target:,} tokens)")

    async def _by_notes(self, buffer: AgentConversationBuffer, summarise: Summarise, tokens: int, window: int) -> None:
        """MEM-079: the agent is asked for notes, which then take the place of the older messages."""
        notes = self._notes
        assert notes is not None
        match notes.next(full=tokens >= window * notes.rules.trigger):
            case "ask":
                self._announce(window, tokens, int(window * notes.rules.target))
                buffer.inject_update(notes.question(), tag="context_limit")
            case "cut":
                newest = self._newest_share(buffer, notes.rules.target)
                await self._cut(buffer, newest, notes.written())
            case "give_up":
                self.say("⚠️ The agent wrote no notes; its conversation is compressed without them.")
                newest = self._newest_share(buffer, notes.rules.target)
                await self._shorten(buffer, newest, summarise, buffer.to_messages())
            case "wait":
                return

    def _newest_share(self, buffer: AgentConversationBuffer, ratio: float) -> int:
        messages = buffer.to_messages()
        total = sum(map(message_tokens, messages))
        return fitting(buffer.since_request(), int(len(messages) * ratio + 1e-9), total // 2)

    async def _shorten(
        self, buffer: AgentConversationBuffer, newest: int, summarise: Summarise, source: Sequence[Message]
    ) -> None:
        size = sum(map(message_tokens, source)) * BYTES_PER_TOKEN
        window = self._window
        room = min(size, window * BYTES_PER_TOKEN) if window else size
        record = record_of(source, max(MIN_SOURCE, int(room * SOURCE_SHARE)))
        summary = ""
        try:
            summary = (await summarise(SUMMARY_SYSTEM, record)).strip()
        except ContextTooLong:
            raise
        except BackendError as error:
            self.say(f"The conversation could not be summarised ({error.kind}); its beginnings and ends are kept.")
        await self._cut(buffer, newest, summary or record_of(source, DIGEST))

    async def _cut(self, buffer: AgentConversationBuffer, newest: int, summary: str) -> None:
        before = buffer.to_messages()
        kept = buffer.since_request()[len(buffer.since_request()) - newest :] if newest else ()
        place = await self.trace()
        hint = f"\n\nThe whole record of this round is in {place}; details can be looked up there." if place else ""
        buffer.shorten(newest, f"Summary of the work so far:\n{summary.strip()}{hint}")
        stayed = sum(map(message_tokens, kept))
        request = message_tokens(buffer.to_messages()[0])
        gone = sum(map(message_tokens, before)) - stayed - request
        self.say(
            f"📦 Context compressed: Removed {len(before) - newest - 1} messages ({gone:,} tokens). "
            f"Kept {newest} recent messages ({stayed:,} tokens)."
        )


def fitting(messages: Sequence[Message], count: int, tokens: int) -> int:
    """How many of the newest messages stay: at most `count`, of at most `tokens`, no result without its call."""
    count, used = min(count, len(messages)), 0
    for position in range(1, count + 1):
        used += message_tokens(messages[-position])
        if used > tokens:
            count = position - 1
            break
    while count and isinstance(messages[-count], ToolResultMessage):
        count -= 1
    return count


def record_of(messages: Sequence[Message], size: int) -> str:
    """The conversation as text of about `size` characters: long parts lose their middle first (MEM-076)."""
    parts = [text for message in messages for text in _parts(message)]
    limit = max((len(part) for part in parts), default=0)
    while limit > 200 and sum(min(len(part), limit) for part in parts) > size:
        limit = int(limit * 0.8)
    text = "\n\n".join(_without_middle(part, limit) for part in parts)
    return _without_middle(text, max(size, 400))


def _parts(message: Message) -> list[str]:
    match message:
        case AssistantMessage():
            found = [f"[reasoning]\n{message.reasoning}"] if message.reasoning else []
            found += [f"[you]\n{message.text}"] if message.text else []
            return [*found, *(f"[call of {call.name}]\n{call.arguments}" for call in message.tool_calls)]
        case ToolResultMessage():
            return [f"[{'error' if message.is_error else 'result'} of {message.name}]\n{message.text}"]
        case _:
            return [f"[message]\n{message.text}"]


def _without_middle(text: str, limit: int) -> str:
    if len(text) <= limit:
        return text
    half = limit // 2
    return f"{text[:half]}\n[... {len(text) - 2 * half} characters left out ...]\n{text[-half:]}"
