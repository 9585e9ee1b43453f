"""Hooks that bring the agent something after a call: peers' answers, reminders, a pause for debugging."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from msgspec import Struct

from massgen.tools.hooks.messages import framed
from massgen.tools.hooks.protocol import DEFAULT_TIMEOUT_SECONDS, HookEvent, HookResult


class PeerAnswer(Struct, frozen=True, kw_only=True):
    """A new answer as its reader sees it: anonymous author, label, the reader's own copy of the files, text."""

    author: str
    label: str
    text: str
    workspace: str = ""


def update_block(answers: Sequence[PeerAnswer], *, has_task_plan: bool = False) -> str:
    """The mid-stream message about new answers (section 2.4 of the coordination rows, COORD-056).

    Lines of the text that look like the block's own frame are indented, so that an answer cannot close it.
    """
    authors = ", ".join(dict.fromkeys(answer.author for answer in answers))
    parts = [f"[UPDATE: {authors} submitted new answer(s)]"]
    for answer in answers:
        place = f"workspace: {answer.workspace}, " if answer.workspace else ""
        parts.append(f"[{answer.author}] ({place}label: {answer.label}):\n{_unframed(answer.text)}")
    note = " Note the decision in your task plan." if has_task_plan else ""
    return framed(
        "NEW ANSWER RECEIVED - weigh it before you go on",
        "\n".join(parts),
        "Read the files, then decide: vote for it, build on it, merge both, or go on with good reason. "
        f"An explicit decision is required.{note}",
    )


def _unframed(text: str) -> str:
    return "\n".join(f" {line}" if line.startswith(("=====", "[UPDATE:")) else line for line in text.split("\n"))


class MidStreamInjectionHook(Struct, frozen=True, kw_only=True):
    """Appends what `take` gives (a finished block) to the result; `take` drains, so nothing comes twice
    (HOOK-020). An exception loses nothing: `take` must only drain what it returns."""

    take: Callable[[], Awaitable[str | None]]
    name: str = "MidStreamInjectionHook"
    matcher: str = "*"
    fail_closed: bool = False
    timeout_seconds: float = DEFAULT_TIMEOUT_SECONDS

    async def run(self, event: HookEvent) -> HookResult:
        """Inject the new answers that wait."""
        text = await self.take()
        return HookResult(inject={"content": text, "strategy": "tool_result"}) if text else HookResult.allow()


REMINDER = framed(
    "SYSTEM REMINDER",
    "A high-priority task is done. Note what was learnt, one line per file, where there is something:\n"
    "- memory/long_term/skill_effectiveness.md: what helped or not\n"
    "- memory/long_term/approach_patterns.md: what approach worked, and why\n"
    "- memory/long_term/lessons_learned.md: what would prevent mistakes\n"
    "- memory/short_term/user_prefs.md: preferences of the user",
)


class HighPriorityTaskReminderHook(Struct, frozen=True, kw_only=True):
    """Reminds to note learnings when a high-priority task was completed (HOOK-022)."""

    name: str = "HighPriorityTaskReminderHook"
    matcher: str = "*update_task_status"
    fail_closed: bool = False
    timeout_seconds: float = DEFAULT_TIMEOUT_SECONDS

    async def run(self, event: HookEvent) -> HookResult:
        """Look at the tool's output and decide."""
        task = _task(event.tool_output) if not event.is_error else {}
        if task.get("priority") == "high" and task.get("status") == "completed":
            return HookResult(inject={"content": REMINDER, "strategy": "user_message"})
        return HookResult.allow()


def _task(output: str | None) -> dict[str, Any]:
    try:
        value = json.loads(output or "")
    except ValueError:
        return {}
    task = value.get("task") if isinstance(value, dict) else None
    return task if isinstance(task, dict) else {}


@dataclass(slots=True, kw_only=True)
class DebugDelayHook:
    """Pauses the agent once, after a number of its calls (HOOK-032); `sleep` is the clock's."""

    seconds: float
    sleep: Callable[[float], Awaitable[None]]
    after_calls: int = 3
    name: str = "DebugDelayHook"
    matcher: str = "*"
    fail_closed: bool = False
    timeout_seconds: float = field(init=False)
    _calls: int = field(default=0, init=False)

    def __post_init__(self) -> None:
        self.timeout_seconds = self.seconds + DEFAULT_TIMEOUT_SECONDS

    async def run(self, event: HookEvent) -> HookResult:
        """Count, and pause at the given call."""
        self._calls += 1
        if self.seconds > 0 and self._calls == self.after_calls:
            await self.sleep(self.seconds)
        return HookResult.allow()
