"""Running code and commands in a process of their own, as building blocks for tools (TOOL-070, TOOL-071)."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shlex
import signal
import sys
from collections.abc import Sequence

from massgen.tool._context import CommandOutput, current_call
from massgen.tool._result import ExecutionResult, TextContent

MAX_OUTPUT = 100_000
_SECRET_ENDINGS = ("KEY", "TOKEN", "SECRET", "PASSWORD", "CREDENTIALS")


async def run_python_script(python_code: str, timeout: float = 300) -> ExecutionResult:
    """Run Python code in a separate process and give back its output and return code.

    Args:
        python_code: The code
        timeout: Seconds after which the code is stopped
    """
    if current_call().run_command is not None:
        return await _in_sandbox(f"python3 -c {shlex.quote(python_code)}", timeout)
    return await _run([sys.executable, "-c", python_code], timeout)


async def run_shell_script(command: str, timeout: float = 300) -> ExecutionResult:
    """Run a shell command and give back its output and return code.

    Args:
        command: The command line
        timeout: Seconds after which the command is stopped
    """
    if current_call().run_command is not None:
        return await _in_sandbox(command, timeout)
    return await _run(["/bin/sh", "-c", command] if os.name == "posix" else ["cmd", "/c", command], timeout)


async def _in_sandbox(command: str, timeout: float) -> ExecutionResult:
    run = current_call().run_command
    assert run is not None
    ended = await run(command, timeout)
    return _result(ended, timeout)


async def _run(argv: Sequence[str], timeout: float) -> ExecutionResult:
    context = current_call()
    child = await asyncio.create_subprocess_exec(
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
    stdout, stderr = (kept.decode(errors="replace") for kept in output)
    code = child.returncode if child.returncode is not None else -1
    return _result(CommandOutput(exit_code=code, stdout=stdout, stderr=stderr, late=late), timeout)


def _result(ended: CommandOutput, timeout: float) -> ExecutionResult:
    parts = [f"Error: TimeoutError: stopped after {timeout:g} seconds."] if ended.late else []
    parts.append(f"<returncode>{ended.exit_code}</returncode>")
    parts.append(f"<stdout>{_shortened(ended.stdout)}</stdout>")
    parts.append(f"<stderr>{_shortened(ended.stderr)}</stderr>")
    return ExecutionResult(output_blocks=[TextContent(data="\n".join(parts))], was_interrupted=ended.late)


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
    transport = getattr(child, "_transport", None)
    if transport is not None:
        # What left the session of the code may hold a pipe open, and nobody waits for that.
        with contextlib.suppress(ProcessLookupError, PermissionError):
            transport.close()
