"""Hooks that are programs: the event as JSON on standard input, the decision as JSON on standard output (S-28)."""

from __future__ import annotations

import asyncio
import json
import os
import shlex
import signal
from contextlib import suppress
from pathlib import Path
from typing import Any

from msgspec import Struct

from massgen.tools.hooks.protocol import DEFAULT_TIMEOUT_SECONDS, HookEvent, HookResult

MAX_OUTPUT_BYTES = 1_000_000


class HookCommandFailed(RuntimeError):
    """The program could not be started, ended with an error, or wrote no decision."""


class CommandHook(Struct, frozen=True, kw_only=True):
    """Starts `command` (words, no shell) once per event, in `directory`.

    Decision: `{"decision": "allow" | "deny", "reason": ..., "tool_input": {...}, "inject": {...}}`; nothing
    written means allow. The program and its children are killed when the hook is given up.
    """

    name: str
    command: str
    matcher: str = "*"
    fail_closed: bool = False
    timeout_seconds: float = DEFAULT_TIMEOUT_SECONDS
    directory: Path | None = None

    async def run(self, event: HookEvent) -> HookResult:
        """Run the program and read its decision."""
        try:
            process = await asyncio.create_subprocess_exec(
                *shlex.split(self.command),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
                cwd=self.directory,
                start_new_session=True,
            )
        except (OSError, ValueError) as error:
            raise HookCommandFailed(f"cannot start '{self.command}': {error}") from error
        try:
            out, err = await process.communicate(_encoded(event))
        finally:
            await _end(process)
        if process.returncode != 0:
            words = err.decode(errors="replace").strip()[:500]
            raise HookCommandFailed(f"'{self.command}' ended with {process.returncode}: {words}")
        return _decision(out[:MAX_OUTPUT_BYTES])


def _encoded(event: HookEvent) -> bytes:
    record = {
        "hook_type": event.hook_type.value,
        "tool_name": event.tool_name,
        "tool_input": event.tool_input,
        "tool_output": event.tool_output,
        "is_error": event.is_error,
        "agent_id": event.agent_id,
        "round": event.round,
        "phase": event.phase,
        "call_id": event.call_id,
    }
    return json.dumps(record).encode()


async def _end(process: asyncio.subprocess.Process) -> None:
    """Nothing that the program started stays behind."""
    with suppress(ProcessLookupError, PermissionError):
        if os.name == "posix":
            os.killpg(process.pid, signal.SIGKILL)
        elif process.returncode is None:
            process.kill()
    await process.wait()


def _decision(output: bytes) -> HookResult:
    if not output.strip():
        return HookResult.allow()
    try:
        value: Any = json.loads(output)
    except ValueError as error:
        raise HookCommandFailed(f"the decision is not JSON: {error}") from error
    if not isinstance(value, dict) or value.get("decision", "allow") not in ("allow", "deny"):
        raise HookCommandFailed("the decision must be an object with 'decision': 'allow' or 'deny'")
    return HookResult(
        allowed=value.get("decision", "allow") == "allow",
        reason=str(value.get("reason", "")),
        tool_input=value.get("tool_input"),
        inject=value.get("inject"),
    )
