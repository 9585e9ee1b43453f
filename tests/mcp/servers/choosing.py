"""A server that lets a person choose: `choose()` asks for every kind of choice and says what it was given."""

from __future__ import annotations

from typing import Annotated, Literal

from mcp.server.mcpserver import MCPServer
from mcp.server.mcpserver.resolve import Elicit, Resolve
from pydantic import BaseModel, Field

COLOURS = [{"const": "r", "title": "Red"}, {"const": "g", "title": "Green"}, {"const": "b", "title": "Blue"}]


class Shirt(BaseModel):
    size: Literal["small", "medium", "large"] = "medium"
    colour: str = Field(title="Colour", json_schema_extra={"oneOf": COLOURS})
    extras: list[Literal["pocket", "hood", "zip"]] = ["hood"]
    gift: bool = False


server = MCPServer("choosing")


async def wanted() -> Elicit[Shirt]:
    return Elicit("What shirt?", Shirt)


@server.tool()
async def choose(shirt: Annotated[Shirt, Resolve(wanted)]) -> str:
    """Ask a person what the shirt should be like."""
    return shirt.model_dump_json()


if __name__ == "__main__":
    server.run("stdio")
