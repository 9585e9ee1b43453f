"""The chunks of a streamed chat completion: events as they come, and the reply they fold into.

Chunks that came together leave together: neighbouring pieces of text are joined before anybody sees them.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from massgen.backends.calling import Reply, Tokens, arguments_text, whole, whole_arguments
from massgen.backends.chat.said import TAGS, Piece, Said
from massgen.backends.protocol import (
    AssistantMessage,
    FinishReason,
    ModelEvent,
    ReasoningDelta,
    TextDelta,
    ToolCall,
    ToolCallDelta,
)

_FIELDS = ("reasoning", "reasoning_content")
_OPEN, _CLOSE = "<think>", "</think>"
_FINISHES: Mapping[str, FinishReason] = {"length": "length", "content_filter": "content_filter"}


@dataclass(slots=True)
class _Text:
    parts: list[str]
    reasoning: str | None = None


@dataclass(slots=True)
class _Call:
    position: int
    call_id: str
    name: str
    parts: list[str]
    extra: Any = None


class Fold:
    """`add` the chunks in order, `take` the events that they came to; `reply` at the end. Raises nothing for
    fields of a kind that it does not expect: they are left out."""

    def __init__(self, *, seller: str, seller_url: str) -> None:
        self._seller = seller
        self._seller_url = seller_url
        self._pieces: list[_Text] = []
        self._text: _Text | None = None
        self._thoughts: dict[str, _Text] = {}
        self._calls: dict[Any, _Call] = {}
        self._latest: _Call | None = None
        self._waiting: list[tuple[Any, list[str]]] = []
        self._finish: str | None = None
        self._refused = False
        self._tokens: Tokens | None = None
        self._model = ""
        self.started = False

    def add(self, chunk: Mapping[str, Any]) -> None:
        self.started = True
        if chunk.get("usage"):
            self._tokens = _tokens(chunk["usage"]) or self._tokens
        model = chunk.get("model")
        if model and isinstance(model, str):
            self._model = model
        choices = chunk.get("choices")
        if not choices or not isinstance(choices, list) or not isinstance(choices[0], dict):
            return
        choice = choices[0]
        finish = choice.get("finish_reason")
        if finish and isinstance(finish, str):
            self._finish = finish
        delta = choice.get("delta")
        if isinstance(delta, dict):
            self._delta(delta)

    def take(self) -> Iterable[ModelEvent]:
        """What was said since the last call, in order."""
        waiting, self._waiting = self._waiting, []
        for source, parts in waiting:
            text = "".join(parts)
            if isinstance(source, ToolCallDelta):
                yield source
            elif isinstance(source, _Call):
                yield ToolCallDelta(index=source.position, name="", arguments=text)
            elif source == "text":
                yield TextDelta(text=text)
            else:
                yield ReasoningDelta(text=text)

    def reply(self) -> Reply:
        """The fold of all chunks."""
        pieces = tuple(Piece(text=whole("".join(piece.parts)), reasoning=piece.reasoning) for piece in self._pieces)
        made = list(self._calls.values())
        calls = tuple(
            ToolCall(call_id=call.call_id, name=call.name, arguments=whole_arguments("".join(call.parts)) or "{}")
            for call in made
        )
        said = Said(pieces=pieces, extras={call.call_id: call.extra for call in made if call.extra is not None})
        message = AssistantMessage(text=said.text, reasoning=said.reasoning, tool_calls=calls, native=said)
        return Reply(
            message=message,
            finish=self._why(bool(calls)),
            tokens=self._tokens,
            model=self._model,
            seller=self._seller,
            seller_url=self._seller_url,
        )

    def _why(self, calls: bool) -> FinishReason | None:
        if self._refused:
            return "content_filter"
        if self._finish is None:
            return None
        return _FINISHES.get(self._finish) or ("tool_calls" if calls else "stop")

    def _delta(self, delta: Mapping[str, Any]) -> None:
        if delta.get("refusal"):
            self._refused = True
            return
        for name in _FIELDS:
            thought = delta.get(name)
            if thought and isinstance(thought, str):
                self._think(thought, name)
                break
        content = delta.get("content")
        if content:
            self._say(content if isinstance(content, str) else _joined(content))
        calls = delta.get("tool_calls")
        if isinstance(calls, list):
            for call in calls:
                if isinstance(call, dict):
                    self._call(call)

    def _think(self, text: str, name: str) -> None:
        thought = self._thoughts.get(name)
        if thought is None:
            thought = self._thoughts[name] = _Text([], name)
            self._pieces.append(thought)
            if self._text is not None and self._text.reasoning is None:
                self._text = None
        thought.parts.append(text)
        self._wait("reasoning", text)

    def _say(self, text: str) -> None:
        if not text:
            return
        current = self._text
        if current is not None and current.reasoning is not None:
            if text == _CLOSE:
                self._text = None
            else:
                current.parts.append(text)
                self._wait("reasoning", text)
            return
        if text == _OPEN:
            self._text = _Text([], TAGS)
            self._pieces.append(self._text)
            self._thoughts = {}
            return
        if current is None:
            current = self._text = _Text([])
            self._pieces.append(current)
            self._thoughts = {}
        current.parts.append(text)
        self._wait("text", text)

    def _call(self, part: Mapping[str, Any]) -> None:
        function = part.get("function")
        function = function if isinstance(function, dict) else {}
        name, arguments, call_id = function.get("name"), function.get("arguments"), part.get("id")
        text = arguments if isinstance(arguments, str) else arguments_text(arguments) if arguments else ""
        call = self._known(part.get("index"), name, call_id)
        if call is None:
            call = _Call(len(self._calls), str(call_id or f"call_{secrets.token_hex(12)}"), str(name or ""), [])
            self._calls[part.get("index", len(self._calls))] = self._latest = call
            self._thoughts = {}
            if self._text is not None and self._text.reasoning is None:
                self._text = None
            self._waiting.append((ToolCallDelta(index=call.position, name=call.name, arguments=text), []))
        elif text:
            self._wait(call, text)
        if text:
            call.parts.append(text)
        if part.get("extra_content") is not None:
            call.extra = part["extra_content"]

    def _known(self, index: object, name: object, call_id: object) -> _Call | None:
        return self._calls.get(index) if index is not None else None if name else self._latest

    def _wait(self, source: Any, text: str) -> None:
        if self._waiting and self._waiting[-1][0] is source:
            self._waiting[-1][1].append(text)
        else:
            self._waiting.append((source, [text]))


def _joined(content: object) -> str:
    """The text of a list of parts, as some servers send it."""
    if not isinstance(content, list):
        return ""
    return "".join(
        part
        if isinstance(part, str)
        else part["text"]
        if isinstance(part, dict) and part.get("type") == "text" and isinstance(part.get("text"), str)
        else ""
        for part in content
    )


def _tokens(usage: object) -> Tokens | None:
    """Counts of a `usage` object; None where it counts nothing."""
    if not isinstance(usage, dict):
        return None
    given, made = _count(usage, "prompt_tokens"), _count(usage, "completion_tokens")
    if not given and not made:
        return None
    inside = usage.get("prompt_tokens_details")
    cached = _count(inside, "cached_tokens") or _count(usage, "prompt_cache_hit_tokens")
    return Tokens(
        input=given or 0,
        output=made or 0,
        reasoning=_count(usage.get("completion_tokens_details"), "reasoning_tokens"),
        cached=cached or 0,
    )


def _count(values: object, name: str) -> int | None:
    found = values.get(name) if isinstance(values, dict) else None
    return found if isinstance(found, int) and not isinstance(found, bool) and found >= 0 else None
