"""A stdio server as a transport of the `mcp` package: bounded messages, a certain end, a place of its own.

Our own, because the library's reader has no bound on the length of a line and sends the server's standard
error to ours.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import re
import sys
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from massgen.tools.mcp.bounds import MAX_MESSAGE_BYTES, one_line
from massgen.tools.mcp.place import ServerPlace
from massgen.tools.mcp.settings import McpServerSettings
from massgen.workspace.sandbox.protocol import PipedProcess

if TYPE_CHECKING:
    from mcp.client._transport import TransportStreams

INHERITED = ("HOME", "LOGNAME", "PATH", "SHELL", "TERM", "USER", "LANG", "LC_ALL", "TZ", "TMPDIR")
INHERITED_ON_WINDOWS = (
    "APPDATA", "HOMEDRIVE", "HOMEPATH", "LOCALAPPDATA", "PATH", "PATHEXT", "SYSTEMDRIVE", "SYSTEMROOT", "TEMP",
    "USERNAME", "USERPROFILE",
)  # fmt: skip
MAX_STRAY_LINES = 10_000
_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]")


@dataclass(slots=True)
class ServerProcess:
    """What is known about the server: the tail of its standard error, and how it ended."""

    stderr: deque[str]
    on_end: Callable[[str], None]
    stray_lines: int = 0

    def last_words(self) -> str:
        """The last lines of standard error in one line."""
        return one_line(" | ".join(self.stderr))


def server_environment(settings: McpServerSettings) -> dict[str, str]:
    """The environment of a server: a few neutral variables and its own `env`, no secret of anybody else."""
    names = INHERITED_ON_WINDOWS if sys.platform == "win32" else INHERITED
    kept = {name: os.environ[name] for name in names if not os.environ.get(name, "()").startswith("()")}
    return kept | dict(settings.env)


def launcher(settings: McpServerSettings, *, here: bool) -> str:
    """The program to start. A server that ships with MassGen (`python -m massgen...`) gets the interpreter that
    MassGen runs with, wherever PATH leads; not in a container, which has its own."""
    ours = settings.args[:1] == ("-m",) and settings.args[1:2] and settings.args[1].startswith("massgen.")
    return sys.executable if here and ours and settings.command in ("python", "python3") else settings.command


@asynccontextmanager
async def stdio_streams(
    settings: McpServerSettings, place: ServerPlace, cwd: Path | None, process: ServerProcess
) -> AsyncIterator[TransportStreams]:
    """Start the server in `place` and yield its message streams; afterwards it and its children are gone.

    Raises OSError or `SandboxFailed` where the program cannot be started. `process.on_end` is told when the
    server closes its output, sends too much or exits.
    """
    child = await place.open(
        [launcher(settings, here=place.here), *settings.args],
        env=server_environment(settings),
        cwd=Path(settings.cwd) if settings.cwd else cwd,
        limit=MAX_MESSAGE_BYTES,
    )
    errors = asyncio.create_task(_collect(child, process))
    try:
        # The import costs 0.7 s the first time: meanwhile the server starts, and the loop goes on.
        await asyncio.to_thread(_load_library)
        async with _pumped(child, process) as streams:
            yield streams
    finally:
        import anyio

        with anyio.CancelScope(shield=True):
            await child.stop()
            errors.cancel()
            await asyncio.wait([errors])


def _load_library() -> None:
    import mcp  # noqa: F401


@asynccontextmanager
async def _pumped(child: PipedProcess, process: ServerProcess) -> AsyncIterator[TransportStreams]:
    import anyio
    from mcp.shared.message import SessionMessage

    to_session, from_server = anyio.create_memory_object_stream[SessionMessage | Exception](0)
    to_server, from_session = anyio.create_memory_object_stream[SessionMessage](0)

    closing = False

    async def read() -> None:
        reason = "it closed its output"
        try:
            async with to_session:
                reason = await _read_messages(child, process, to_session.send)
        except (anyio.BrokenResourceError, anyio.ClosedResourceError):
            reason = "the connection was closed"
        finally:
            if not closing:
                process.on_end(reason)

    async def write() -> None:
        assert child.stdin is not None
        with contextlib.suppress(OSError, anyio.ClosedResourceError, anyio.BrokenResourceError):
            async with from_session:
                async for item in from_session:
                    text = item.message.model_dump_json(by_alias=True, exclude_unset=True)
                    child.stdin.write(text.encode() + b"\n")
                    await child.stdin.drain()

    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(read()), group.create_task(write())]
        try:
            yield from_server, to_server
        finally:
            closing = True
            for stream in (from_server, to_server):
                stream.close()
            for task in tasks:
                task.cancel()


async def _read_messages(child: PipedProcess, process: ServerProcess, send: Callable) -> str:
    """Hand on every message until the output ends; returns why it ended."""
    import mcp_types as types
    from mcp.shared.message import SessionMessage

    validate = types.jsonrpc_message_adapter.validate_json
    while True:
        try:
            line = await child.stdout.readuntil(b"\n")
        except asyncio.IncompleteReadError:
            return "it closed its output"
        except asyncio.LimitOverrunError:
            return f"it sent a message of more than {MAX_MESSAGE_BYTES // 1_000_000} MB"
        if not line.strip():
            continue
        try:
            message = validate(_whole(line), by_name=False)
        except (ValueError, RecursionError):
            process.stray_lines += 1
            process.stderr.append(one_line("(stdout) " + line[:2000].decode(errors="replace")))
            if process.stray_lines >= MAX_STRAY_LINES:
                return "it writes something other than MCP to its output"
            continue
        await send(SessionMessage(message))


def _whole(line: bytes) -> bytes:
    """`line` without escapes of half a character, as programs write them that cut text within an emoji: strict
    readers refuse them. Raises ValueError where it is no JSON."""
    if not _SURROGATE.search(line):
        return line
    return json.dumps(json.loads(line), ensure_ascii=False).encode(errors="replace")


async def _collect(child: PipedProcess, process: ServerProcess) -> None:
    """Keep the last lines of standard error; nothing is lost to a full pipe."""
    rest = b""
    while chunk := await child.stderr.read(65536):
        *lines, rest = (rest + chunk).split(b"\n")
        rest = rest[-2000:]
        process.stderr.extend(one_line(line[:2000].decode(errors="replace")) for line in lines[-5:] if line.strip())
    if rest.strip():
        process.stderr.append(one_line(rest.decode(errors="replace")))
