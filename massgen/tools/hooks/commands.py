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
_POLL = 0.02
_REST = 0.5


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
            out, err = await _heard(process, _encoded(event))
        finally:
            await _end(process)
        if process.returncode != 0:
            words = err.decode(errors="replace").strip()[:500]
            raise HookCommandFailed(f"'{self.command}' ended with {process.returncode}: {words}")
        return _decision(out)


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


async def _heard(process: asyncio.subprocess.Process, event: bytes) -> tuple[bytes, bytes]:
    """Give the event and hear both outputs, no more than the bound of each, until the program has ended.

    What it left running may hold the outputs open; only the program itself is waited for.
    """
    assert process.stdin is not None
    kept = bytearray(), bytearray()
    process.stdin.write(event)
    process.stdin.close()
    async with asyncio.TaskGroup() as group:
        readers = [
            group.create_task(_kept(stream, part))
            for stream, part in zip((process.stdout, process.stderr), kept, strict=True)
        ]
        waiting = set(readers)
        while waiting and process.returncode is None:
            _, waiting = await asyncio.wait(waiting, timeout=_POLL)
        if waiting:
            await asyncio.wait(waiting, timeout=_REST)
        else:
            await process.wait()
        for reader in readers:
            reader.cancel()
    return bytes(kept[0]), bytes(kept[1])


async def _kept(stream: asyncio.StreamReader | None, kept: bytearray) -> None:
    assert stream is not None
    while chunk := await stream.read(65536):
        kept += chunk[: MAX_OUTPUT_BYTES - len(kept)]


async def _end(process: asyncio.subprocess.Process) -> None:
    """Nothing that the program started stays behind."""
    with suppress(ProcessLookupError, PermissionError):
        if os.name == "posix":
            os.killpg(process.pid, signal.SIGKILL)
        elif process.returncode is None:
            process.kill()
    transport = getattr(process, "_transport", None)
    if transport is not None:
        # Before the wait, which otherwise lasts until nobody holds a pipe: what left the program's session may.
        with suppress(ProcessLookupError, PermissionError):
            transport.close()
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
