"""Schemas of servers as tools on all four wire formats, and arguments on their way back."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from massgen.backends.protocol import ToolSpec
from massgen.testing import Call, ReceivedRequest, Turn
from massgen.tool._schema import type_schema
from massgen.tools.mcp.bounds import schema
from tests.backends.harness import FORMATS, ask, bench, done_of
from tests.mcp.test_bounds import SCHEMAS

NAMES = st.from_regex(r"[a-z][a-z_]{0,9}", fullmatch=True)
FIELDS = st.dictionaries(NAMES, SCHEMAS, max_size=4)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
FEW = settings(
    max_examples=5,
    deadline=None,
    derandomize=True,
    phases=(Phase.explicit, Phase.generate),
    suppress_health_check=list(HealthCheck),
)


def essence(value: Any) -> Any:
    """A schema without what says nothing: closed objects, no properties, a choice of one."""
    if isinstance(value, dict):
        kept = {key: essence(item) for key, item in value.items()}
        if isinstance(kept.get("anyOf"), list):
            choices = [choice for index, choice in enumerate(kept["anyOf"]) if choice not in kept["anyOf"][:index]]
            return {**kept, "anyOf": choices} if len(choices) > 1 else choices[0]
        if kept.get("type") == "object":
            if kept.get("additionalProperties") is False:
                del kept["additionalProperties"]
            if kept.get("properties") == {}:
                del kept["properties"]
        return kept
    return [essence(item) for item in value] if isinstance(value, list) else value


async def offered(type_name: str, specs: tuple[ToolSpec, ...], turn: Turn) -> tuple[ReceivedRequest, list[Any]]:
    """What the provider receives of `specs`, and the arguments of the calls that it answers with."""
    async with bench(turn) as place:
        done = await done_of(place.backend(type_name), ask(tools=specs))
        return place.server.requests[-1], [json.loads(made.arguments) for made in done.message.tool_calls]


@pytest.mark.parametrize("type_name", FORMATS)
@FEW
@given(st.lists(FIELDS, min_size=1, max_size=8), st.dictionaries(NAMES, VALUES, max_size=4))
def test_any_schema_arrives_and_any_arguments_come_back(
    type_name: str, fields: list[dict[str, Any]], arguments: dict[str, Any]
) -> None:
    cleaned = [schema({"type": "object", "properties": each, "required": list(each)[:2]})[0] for each in fields]
    specs = tuple(
        ToolSpec(name=f"mcp__server__tool{number}", description=f"Tool {number}", parameters=each)
        for number, each in enumerate(cleaned)
    )
    turn = Turn(calls=(Call(name="mcp__server__tool0", arguments=json.dumps(arguments)),))
    request, back = asyncio.run(offered(type_name, specs, turn))
    assert [tool.name for tool in request.view.tools] == [spec.name for spec in specs]
    for tool, spec in zip(request.view.tools, specs, strict=True):
        assert tool.description == spec.description
        assert essence(dict(tool.schema)) == essence(dict(spec.parameters))
    assert back == [arguments]


@pytest.mark.parametrize("type_name", FORMATS)
@pytest.mark.spec("TOOL-007")
def test_bare_lists_and_mappings_are_open_in_every_format(type_name: str) -> None:
    hints = {"metrics": list, "options": dict, "names": list[str]}
    parameters = {"type": "object", "properties": {name: type_schema(hint) for name, hint in hints.items()}}
    spec = ToolSpec(name="custom_tool__analyze", description="Analyse.", parameters=parameters)
    request, _ = asyncio.run(offered(type_name, (spec,), Turn(text="ok")))
    (tool,) = request.view.tools
    assert tool.schema["properties"]["metrics"] == {"type": "array", "items": {}}
    assert tool.schema["properties"]["options"].get("additionalProperties") is True
