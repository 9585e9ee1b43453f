"""A weather server over MCP (stdio) with invented weather, for trying servers without key or network.

`python -m massgen.testing.weather`. The same city always has the same weather.
"""

from __future__ import annotations

import asyncio
import hashlib
import sys
from typing import Any

from massgen import __version__

MAX_DAYS = 7
SKIES = ("sunny", "cloudy", "light rain", "rain", "fog", "snow")
CITY = {"type": "string", "description": "Name of a city"}
DAYS = {"type": "integer", "minimum": 1, "maximum": MAX_DAYS, "description": "How many days"}
TOOLS = {
    "get_weather": ("The weather of today (invented).", {"city": CITY}),
    "get_forecast": ("The weather of the next days (invented).", {"city": CITY, "days": DAYS}),
}


def weather(city: str, day: int = 0) -> str:
    """One day's weather; `day` counts from today."""
    digest = hashlib.sha256(f"{city.strip().lower()} {day}".encode()).digest()
    return f"{SKIES[digest[0] % len(SKIES)]}, {digest[1] % 35 - 5} °C"


def answer(tool: str, arguments: dict[str, Any]) -> str:
    """What a call gives; raises ValueError for arguments that do not fit."""
    city = arguments.get("city")
    if not isinstance(city, str) or not city.strip():
        raise ValueError("Name a city.")
    if tool == "get_weather":
        return f"{city}: {weather(city)}"
    if tool != "get_forecast":
        raise ValueError(f"There is no tool {tool}.")
    days = arguments.get("days", 3)
    if not isinstance(days, int) or not 1 <= days <= MAX_DAYS:
        raise ValueError(f"'days' is a whole number from 1 to {MAX_DAYS}.")
    return "\n".join(f"{city}, day {day}: {weather(city, day)}" for day in range(1, days + 1))


async def serve() -> None:
    """Answer on standard input and output until it is closed."""
    from mcp.server.lowlevel.server import Server
    from mcp.server.stdio import stdio_server
    from mcp_types import CallToolResult, ListToolsResult, TextContent, Tool, ToolAnnotations

    async def list_tools(_context: Any, _params: Any) -> ListToolsResult:
        reading = ToolAnnotations(read_only_hint=True)
        return ListToolsResult(
            tools=[
                Tool(
                    name=name,
                    description=description,
                    input_schema={"type": "object", "properties": properties, "required": ["city"]},
                    annotations=reading,
                )
                for name, (description, properties) in TOOLS.items()
            ]
        )

    async def call_tool(_context: Any, params: Any) -> CallToolResult:
        try:
            text, failed = answer(params.name, params.arguments or {}), False
        except ValueError as error:
            text, failed = str(error), True
        return CallToolResult(content=[TextContent(type="text", text=text)], is_error=failed)

    server = Server("weather", version=__version__, on_list_tools=list_tools, on_call_tool=call_tool)
    async with stdio_server() as (reading, writing):
        await server.run(reading, writing, server.create_initialization_options())


def main() -> int:
    """Start the server; returns the exit code."""
    asyncio.run(serve())
    return 0


if __name__ == "__main__":
    sys.exit(main())
