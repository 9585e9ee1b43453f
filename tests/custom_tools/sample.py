"""Tools of a user, well behaved and not."""

from __future__ import annotations

import asyncio
import ctypes
import os
import subprocess
import sys
import time
from collections.abc import AsyncGenerator

from massgen.tool import ExecutionResult, ImageContent, TextContent, context_params

PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
calls = 0


async def calculator(operation: str, x: float, y: float) -> ExecutionResult:
    """Perform basic math operations.

    Args:
        operation: The operation (add, subtract, multiply, divide)
        x: First number
        y: Second number
    """
    results = {"add": x + y, "subtract": x - y, "multiply": x * y, "divide": x / y if y else None}
    return ExecutionResult(output_blocks=[TextContent(data=f"{operation}({x:g}, {y:g}) = {results[operation]:g}")])


async def chart(title: str) -> ExecutionResult:
    """Draw a chart."""
    return ExecutionResult(
        output_blocks=[TextContent(data=title), ImageContent(data=PIXEL)], meta_info={"marker": "for the log only"}
    )


async def process_large_dataset(chunks: int) -> AsyncGenerator[ExecutionResult, None]:
    """Stream progress."""
    for number in range(chunks):
        text = [TextContent(data=f"chunk {number}")]
        yield ExecutionResult(output_blocks=text, is_streaming=True, is_final=False)
        await asyncio.sleep(0)
    yield ExecutionResult(output_blocks=[TextContent(data="a log line")], is_log=True)
    yield ExecutionResult(output_blocks=[TextContent(data="complete")], is_streaming=True, is_final=True)


def plain(limit: int = 3) -> dict:
    """Not async, and no result object."""
    print("this is no protocol message")
    return {"limit": limit}


@context_params("prompt")
async def framework(prompt: list, style: str = "short") -> AsyncGenerator[ExecutionResult, None]:
    """Wrap another framework."""
    yield ExecutionResult(output_blocks=[TextContent(data=f"{len(prompt)} messages, {style}")])


async def empty() -> ExecutionResult:
    """No content."""
    return ExecutionResult(output_blocks=[])


async def half() -> ExecutionResult:
    """Interrupted."""
    return ExecutionResult(output_blocks=[TextContent(data="half a result")], was_interrupted=True)


async def counted() -> str:
    """How often it was called in this process."""
    global calls
    calls += 1
    return str(calls)


async def preset(text: str, MAX_FILE_SIZE_MB: int = 1) -> str:
    """A parameter that the configuration fixes."""
    return f"{text} {MAX_FILE_SIZE_MB}"


async def extras(text: str, limit: int = 1, **more: object) -> str:
    """Takes whatever is sent."""
    return f"{text} {limit} {sorted(more.items())}"


async def read_here(dataset: str) -> str:
    """Open a file by a relative path."""
    with open(dataset) as file:
        return file.read()


async def raises() -> str:
    """Raise."""
    raise ValueError("no such luck")


async def leaves() -> str:
    """Call sys.exit."""
    sys.exit(3)


async def dies() -> str:
    """End the process."""
    print("about to die", file=sys.stderr, flush=True)
    os._exit(5)


async def crashes() -> str:
    """Segmentation fault."""
    ctypes.string_at(0)
    return "not reached"


async def blocks(seconds: float) -> str:
    """Block the loop it runs on."""
    time.sleep(seconds)  # noqa: ASYNC251
    return "awake"


def blocks_thread(seconds: float) -> str:
    """Block a thread."""
    time.sleep(seconds)
    return "awake"


async def marks(started: str, cancelled: str) -> str:
    """Leave a file when begun and another when cancelled."""
    open(started, "w").close()
    try:
        await asyncio.sleep(600)
    finally:
        open(cancelled, "w").close()
    return "slept"


async def huge() -> str:
    """Three million characters."""
    return "begin" + "x" * 3_000_000 + "end"


async def bad_image() -> ExecutionResult:
    """An image that is none."""
    return ExecutionResult(output_blocks=[ImageContent(data="!!")])


async def untyped(x) -> str:
    """No type hint."""
    return str(x)


def orphans(place: str) -> str:
    """Start a program that outlives the call, in a session of its own and with the pipes of this one."""
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"], start_new_session=True)
    with open(place, "w") as file:
        file.write(str(child.pid))
    return "left one"
