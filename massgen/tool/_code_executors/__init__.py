"""Running code and commands in a process of their own, as building blocks for tools (TOOL-070, TOOL-071)."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import Sequence

from massgen.tool._context import current_call
from massgen.tool._result import ExecutionResult, TextContent

MAX_OUTPUT = 100_000
_SECRET_ENDINGS = ("KEY", "TOKEN", "SECRET", "PASSWORD", "CREDENTIALS")


async def run_python_script(python_code: str, timeout: float = 300) -> ExecutionResult:
    """Run Python code in a separate process and give back its output and return code.

    Args:
        python_code: The code
        timeout: Seconds after which the code is stopped
    """
    return await _run([sys.executable, "-c", python_code], timeout)


async def run_shell_script(command: str, timeout: float = 300) -> ExecutionResult:
    """Run a shell command and give back its output and return code.

    Args:
        command: The command line
        timeout: Seconds after which the command is stopped
    """
    return await _run(["/bin/sh", "-c", command] if os.name == "posix" else ["cmd", "/c", command], timeout)


async def _run(argv: Sequence[str], timeout: float) -> ExecutionResult:
    context = current_call()
    child = await asyncio.create_subprocess_exec(
        *context.command_prefix,
        *argv,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        cwd=context.workspace,
        env={name: value for name, value in os.environ.items() if not name.upper().endswith(_SECRET_ENDINGS)},
        start_new_session=True,
    )
    late = False
    output: list[bytearray] = [bytearray(), bytearray()]
    try:
        async with asyncio.timeout(timeout):
            async with asyncio.TaskGroup() as group:
                for stream, kept in zip((child.stdout, child.stderr), output, strict=True):
                    group.create_task(_collect(stream, kept))
            await child.wait()
    except TimeoutError:
        late = True
    finally:
        _end(child)
    if late:
        await child.wait()
    parts = [f"<returncode>{child.returncode}</returncode>"]
    for name, kept in zip(("stdout", "stderr"), output, strict=True):
        parts.append(f"<{name}>{_shortened(kept.decode(errors='replace'))}</{name}>")
    if late:
        parts.insert(0, f"Error: TimeoutError: stopped after {timeout:g} seconds.")
    return ExecutionResult(output_blocks=[TextContent(data="\n".join(parts))], was_interrupted=late)


async def _collect(stream: asyncio.StreamReader | None, kept: bytearray) -> None:
    assert stream is not None
    while chunk := await stream.read(65536):
        kept += chunk[: max(0, 10 * MAX_OUTPUT - len(kept))]


def _shortened(text: str) -> str:
    half = MAX_OUTPUT // 2
    return text if len(text) <= MAX_OUTPUT else f"{text[:half]}\n[... left out ...]\n{text[-half:]}"


def _end(child: asyncio.subprocess.Process) -> None:
    """Nothing that the code started lives on."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        if os.name == "posix":
            os.killpg(child.pid, signal.SIGKILL)
        elif child.returncode is None:
            child.kill()
