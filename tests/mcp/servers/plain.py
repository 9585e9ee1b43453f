"""An ordinary server: echo, its own environment and arguments, progress, media, a question, a slow call.

`plain.py` speaks over stdio; `plain.py http` and `plain.py sse` listen on a free port and print it.
"""

from __future__ import annotations

import asyncio
import os
import socket
import sys
import time
from typing import Annotated

from mcp.server.mcpserver import Context, MCPServer
from mcp.server.mcpserver.resolve import Elicit, Resolve
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
def get_place() -> dict[str, str]:
    """Process id and working directory."""
    return {"pid": str(os.getpid()), "cwd": os.getcwd()}


@server.tool()
async def work(steps: int, context: Context) -> str:
    """Report progress."""
    for step in range(steps):
        await context.report_progress(step + 1, steps, f"step {step + 1}")
        await asyncio.sleep(0.11)
    return "worked"


@server.tool()
async def wait(started: str, cancelled: str) -> str:
    """Leave one file when begun and another when cancelled."""
    open(started, "w").close()
    try:
        await asyncio.sleep(600)
    except BaseException:
        open(cancelled, "w").close()
        raise
    return "waited"


class Name(BaseModel):
    name: str


async def asked_name() -> Elicit[Name]:
    return Elicit("What is your name?", Name)


@server.tool()
async def greet(name: Annotated[Name, Resolve(asked_name)]) -> str:
    """Greet the person, who is asked for a name."""
    return f"Hello {name.name}"


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
def get_record() -> dict[str, int]:
    """Structured content."""
    return {"answer": 42}


@server.tool()
def fail() -> str:
    """Always fails."""
    raise ValueError("no luck")


@server.tool()
async def grow(context: Context) -> str:
    """Add a tool and say so."""
    server.add_tool(echo, name="grown", description="Added later")
    await context.notify_tools_changed()
    return "grown"


def listen(kind: str) -> None:
    import uvicorn

    app = server.sse_app() if kind == "sse" else server.streamable_http_app()
    place = socket.socket()
    place.bind(("127.0.0.1", 0))
    place.listen()
    print(place.getsockname()[1], flush=True)
    uvicorn.Server(uvicorn.Config(app, log_level="error")).run(sockets=[place])


if __name__ == "__main__":
    if "--slow-start" in sys.argv:
        time.sleep(1)
    if sys.argv[1:] in (["http"], ["sse"]):
        listen(sys.argv[1])
    else:
        server.run("stdio")
