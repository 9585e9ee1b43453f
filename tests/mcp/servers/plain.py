"""An ordinary stdio server: echo, add, its own environment and arguments, progress, media, a question, a slow call."""

from __future__ import annotations

import asyncio
import os
import sys

from mcp.server.mcpserver import Context, MCPServer
from mcp.types import AudioContent, ImageContent, TextContent, ToolAnnotations
from pydantic import BaseModel

server = MCPServer("plain")
PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="


@server.tool(annotations=ToolAnnotations(read_only_hint=True))
def echo(text: str) -> str:
    """Give the text back."""
    return text


@server.tool(annotations=ToolAnnotations(destructive_hint=True))
def send_message(text: str) -> str:
    """Send a message somewhere."""
    return f"sent {text}"


@server.tool()
def get_environment() -> dict[str, str]:
    """The environment of the server."""
    return dict(os.environ)


@server.tool()
def get_arguments() -> list[str]:
    """The command line of the server."""
    return sys.argv[1:]


@server.tool()
def get_place() -> dict[str, str | int]:
    """Process id and working directory."""
    return {"pid": os.getpid(), "cwd": os.getcwd()}


@server.tool()
async def work(steps: int, context: Context) -> str:
    """Report progress."""
    for step in range(steps):
        await context.report_progress(step + 1, steps, f"step {step + 1}")
    return "worked"


@server.tool()
async def sleep(seconds: float, mark: str) -> str:
    """Sleep; leave a file behind when cancelled."""
    try:
        await asyncio.sleep(seconds)
    except BaseException:
        with open(mark, "w") as file:
            file.write("cancelled")
        raise
    return "slept"


class Name(BaseModel):
    name: str


@server.tool()
async def ask_name(context: Context) -> str:
    """Ask the person for a name."""
    answer = await context.elicit("What is your name?", Name)
    return f"{answer.action}: {answer.data.name}" if answer.action == "accept" else answer.action


@server.tool(structured_output=False)
def mixed() -> list[TextContent | ImageContent | AudioContent]:
    """Text, an image and a sound."""
    return [
        TextContent(type="text", text="before"),
        ImageContent(type="image", data=PIXEL, mime_type="image/png"),
        AudioContent(type="audio", data="UklGRg==", mime_type="audio/wav"),
        TextContent(type="text", text="after"),
    ]


@server.tool()
def fail() -> str:
    """Always fails."""
    raise ValueError("no luck")


if __name__ == "__main__":
    if "--slow-start" in sys.argv:
        import time

        time.sleep(1)
    server.run("stdio")
