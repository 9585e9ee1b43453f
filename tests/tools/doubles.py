"""Small real tools and an observer that keeps what it is told."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from massgen.backends.protocol import ToolCall, ToolSpec
from massgen.tools.hooks.chain import Hooks
from massgen.tools.protocol import Tool, ToolContext, ToolOutcome, ToolTraits
from massgen.tools.runner import RunnerLimits, ToolRunner

Body = Callable[[Mapping[str, Any], ToolContext], Awaitable[ToolOutcome]]
ANY_OBJECT: dict[str, Any] = {"type": "object", "properties": {}}


@dataclass
class PlainTool:
    """A tool made of a name, a schema and a function."""

    name: str
    body: Body
    schema: Mapping[str, Any] = field(default_factory=lambda: ANY_OBJECT)
    traits: ToolTraits = field(default_factory=lambda: ToolTraits(source="custom"))

    @property
    def spec(self) -> ToolSpec:
        return ToolSpec(name=self.name, description=self.name, parameters=self.schema)

    def call(self, arguments: Mapping[str, Any], context: ToolContext) -> Awaitable[ToolOutcome]:
        return self.body(arguments, context)


def echo(name: str = "echo", **kwargs: Any) -> PlainTool:
    """Answers with its arguments as JSON."""

    async def body(arguments: Mapping[str, Any], _: ToolContext) -> ToolOutcome:
        return ToolOutcome(text=json.dumps(dict(arguments)))

    return PlainTool(name, body, **kwargs)


@dataclass
class Recorder:
    """What an observer was told, in order."""

    told: list[tuple[Any, ...]] = field(default_factory=list)

    def started(self, call_id: str, name: str, arguments: Mapping[str, Any]) -> None:
        self.told.append(("started", call_id, name, dict(arguments)))

    def finished(self, call_id: str, name: str, outcome: ToolOutcome, milliseconds: float) -> None:
        assert milliseconds >= 0
        self.told.append(("finished", call_id, name, outcome))


def call(name: str, arguments: Any = None, call_id: str = "c1") -> ToolCall:
    """A call; `arguments` is raw text or a value to encode."""
    raw = arguments if isinstance(arguments, str) else json.dumps(arguments or {})
    return ToolCall(call_id=call_id, name=name, arguments=raw)


def context(call: ToolCall, workspace: Path | None = None) -> ToolContext:
    return ToolContext(
        agent_id="agent_b",
        agent_number=2,
        round=1,
        phase="coordination",
        call_id=call.call_id,
        workspace=workspace,
    )


def runner(
    tools: Sequence[Tool],
    hooks: Hooks | None = None,
    recorder: Recorder | None = None,
    limits: RunnerLimits | None = None,
    redact: Callable[[str], str] = str,
) -> ToolRunner:
    return ToolRunner(tools, hooks=hooks or Hooks(), observer=recorder or Recorder(), limits=limits, redact=redact)
