"""A stdio server as a transport of the `mcp` package: a child process with bounded messages and a certain end.

Our own, because the library's reader has no bound on the length of a line and sends the server's standard
error to ours.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from collections import deque
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from massgen.tools.mcp.bounds import MAX_MESSAGE_BYTES, one_line
from massgen.tools.mcp.settings import McpServerSettings

if TYPE_CHECKING:
    from mcp.client._transport import TransportStreams

INHERITED = ("HOME", "LOGNAME", "PATH", "SHELL", "TERM", "USER", "LANG", "LC_ALL", "TZ", "TMPDIR")
INHERITED_ON_WINDOWS = (
    "APPDATA", "HOMEDRIVE", "HOMEPATH", "LOCALAPPDATA", "PATH", "PATHEXT", "SYSTEMDRIVE", "SYSTEMROOT", "TEMP",
    "USERNAME", "USERPROFILE",
)  # fmt: skip
STOP_GRACE = 1.5
MAX_STRAY_LINES = 10_000


@dataclass(slots=True)
class ServerProcess:
    """What is known about the child: its id, the tail of its standard error, and how it ended."""

    stderr: deque[str]
    on_end: Callable[[str], None]
    pid: int = 0
    stray_lines: int = 0

    def last_words(self) -> str:
        """The last lines of standard error in one line."""
        return one_line(" | ".join(self.stderr))


def server_environment(settings: McpServerSettings) -> dict[str, str]:
    """The environment of a server: a few neutral variables and its own `env`, no secret of anybody else."""
    names = INHERITED_ON_WINDOWS if sys.platform == "win32" else INHERITED
    kept = {name: os.environ[name] for name in names if not os.environ.get(name, "()").startswith("()")}
    return kept | dict(settings.env)


@asynccontextmanager
async def stdio_streams(
    settings: McpServerSettings, argv: Sequence[str], cwd: Path | None, process: ServerProcess
) -> AsyncIterator[TransportStreams]:
    """Start the server and yield its message streams; afterwards the process and its children are gone.

    Raises OSError where the program cannot be started. `process.on_end` is told when the server closes its
    output, sends too much or exits.
    """
    child = await asyncio.create_subprocess_exec(
        *argv,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env=server_environment(settings),
        cwd=settings.cwd or cwd,
        limit=MAX_MESSAGE_BYTES,
        start_new_session=True,
    )
    process.pid = child.pid
    errors = asyncio.create_task(_collect(child, process))
    try:
        # The import costs 0.7 s the first time: meanwhile the server starts, and the loop goes on.
        await asyncio.to_thread(_load_library)
        async with _pumped(child, process) as streams:
            yield streams
    finally:
        import anyio

        with anyio.CancelScope(shield=True):
            await _stop(child)
            errors.cancel()
            await asyncio.wait([errors])


def _load_library() -> None:
    import mcp  # noqa: F401


@asynccontextmanager
async def _pumped(child: asyncio.subprocess.Process, process: ServerProcess) -> AsyncIterator[TransportStreams]:
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


async def _read_messages(child: asyncio.subprocess.Process, process: ServerProcess, send: Callable) -> str:
    """Hand on every message until the output ends; returns why it ended."""
    import mcp_types as types
    from mcp.shared.message import SessionMessage

    assert child.stdout is not None
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
            message = validate(line, by_name=False)
        except ValueError:
            process.stray_lines += 1
            process.stderr.append(one_line("(stdout) " + line[:2000].decode(errors="replace")))
            if process.stray_lines >= MAX_STRAY_LINES:
                return "it writes something other than MCP to its output"
            continue
        await send(SessionMessage(message))


async def _collect(child: asyncio.subprocess.Process, process: ServerProcess) -> None:
    """Keep the last lines of standard error; nothing is lost to a full pipe."""
    assert child.stderr is not None
    rest = b""
    while chunk := await child.stderr.read(65536):
        *lines, rest = (rest + chunk).split(b"\n")
        rest = rest[-2000:]
        process.stderr.extend(one_line(line[:2000].decode(errors="replace")) for line in lines[-5:] if line.strip())
    if rest.strip():
        process.stderr.append(one_line(rest.decode(errors="replace")))


async def _stop(child: asyncio.subprocess.Process) -> None:
    """Close its input, wait, then end the whole process group; every wait is bounded (MCP-005)."""
    if child.stdin is not None:
        child.stdin.close()
    if not await _exited(child, STOP_GRACE):
        _signal(child, signal.SIGTERM)
        if not await _exited(child, STOP_GRACE):
            _signal(child, getattr(signal, "SIGKILL", signal.SIGTERM))
            await _exited(child, STOP_GRACE)
    _signal(child, getattr(signal, "SIGKILL", signal.SIGTERM))
    transport = getattr(child, "_transport", None)
    if transport is not None:
        # A grandchild may hold a pipe open; without this the loop would warn about it when it closes.
        with contextlib.suppress(PermissionError, ProcessLookupError):
            transport.close()


async def _exited(child: asyncio.subprocess.Process, seconds: float) -> bool:
    """Whether the child ended in time; not `wait()`, which also waits for pipes that grandchildren hold."""
    for _ in range(int(seconds / 0.01)):
        if child.returncode is not None:
            return True
        await asyncio.sleep(0.01)
    return child.returncode is not None


def _signal(child: asyncio.subprocess.Process, number: int) -> None:
    """To the group of the child, also after the child itself has ended (its children may live on)."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        if hasattr(os, "killpg"):
            os.killpg(child.pid, number)
        elif child.returncode is None:
            child.terminate()
