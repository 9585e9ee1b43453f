"""The documented Python interface: result classes, ToolManager, schemas."""

from __future__ import annotations

import asyncio
import enum
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Optional

import jsonschema
import pytest

from massgen.tool import ExecutionResult, TextContent, ToolManager, read_file_content, run_python_script
from massgen.tool._schema import function_schema, parse_docstring, type_schema

SAMPLE = str(Path(__file__).parent / "sample.py")


@pytest.mark.spec("TOOL-001")
def test_the_documented_names_are_the_same_objects_in_both_places() -> None:
    program = (
        "from massgen.tool import ExecutionResult as A, TextContent, ImageContent, AudioContent, ToolManager, "
        "context_params; from massgen.tool._result import ExecutionResult as B; assert A is B; "
        "import sys; assert 'mcp' not in sys.modules and 'pydantic' not in sys.modules"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


@pytest.mark.spec("TOOL-002")
def test_a_result_needs_only_its_blocks() -> None:
    result = ExecutionResult(output_blocks=[TextContent(data="x")])
    assert (result.meta_info, result.is_streaming, result.is_final) == (None, False, True)
    assert (result.is_log, result.was_interrupted) == (False, False)
    with pytest.raises(TypeError):
        ExecutionResult()  # type: ignore[call-arg]


def manager() -> ToolManager:
    tools = ToolManager()
    tools.add_tool_function(path=SAMPLE, func="calculator", category="math")
    return tools


def names(tools: ToolManager) -> list[str]:
    return [schema["function"]["name"] for schema in tools.fetch_tool_schemas()]


def execute(tools: ToolManager, name: str, **arguments: object) -> ExecutionResult:
    return asyncio.run(tools.execute_tool({"name": name, "input": arguments}))


@pytest.mark.spec("TOOL-050", "TOOL-051", "TOOL-052", "TOOL-040")
def test_a_function_of_a_file_is_registered_described_and_run() -> None:
    tools = manager()
    assert names(tools) == ["custom_tool__calculator"]
    for name in ("custom_tool__calculator", "calculator"):
        result = execute(tools, name, operation="add", x=5, y=3)
        assert result.output_blocks == [TextContent(data="add(5, 3) = 8")]


@pytest.mark.spec("TOOL-052", "TOOL-010")
def test_a_generators_pieces_are_collected() -> None:
    tools = ToolManager()
    tools.add_tool_function(path=SAMPLE, func="process_large_dataset")
    result = execute(tools, "process_large_dataset", chunks=2)
    assert result.is_final
    assert result.text == "chunk 0\nchunk 1\ncomplete"


@pytest.mark.spec("TOOL-053", "TOOL-054", "TOOL-025")
def test_tools_of_a_disabled_category_vanish_and_do_not_run() -> None:
    tools = manager()
    tools.setup_category(category_name="data_science", description="Data analysis tools", enabled=False)
    assert tools.categories["data_science"].enabled is False
    tools.modify_categories(["math"], enabled=False)
    assert names(tools) == []
    assert "disabled" in execute(tools, "custom_tool__calculator", operation="add", x=1, y=1).text
    tools.modify_categories(["math"], enabled=True)
    assert names(tools) == ["custom_tool__calculator"]


@pytest.mark.spec("TOOL-055")
@pytest.mark.parametrize("which", ["math", ["math", "other"]])
def test_a_deleted_category_takes_its_tools_along(which: str | list[str]) -> None:
    tools = manager()
    tools.delete_categories(which)
    result = execute(tools, "custom_tool__calculator", operation="add", x=1, y=1)
    assert result.text == "ToolNotFound: No tool named 'custom_tool__calculator' exists"


@pytest.mark.spec("TOOL-042")
def test_whatever_goes_wrong_is_the_text_of_the_result() -> None:
    tools = manager()
    tools.add_tool_function(path=SAMPLE, func="raises")
    assert execute(tools, "my_tool").text == "ToolNotFound: No tool named 'my_tool' exists"
    assert "no such luck" in execute(tools, "raises").text
    assert "missing parameter 'x'" in execute(tools, "calculator", operation="add").text


@pytest.mark.spec("TOOL-007", "TOOL-052")
def test_a_function_that_takes_any_keyword_gets_them_all() -> None:
    tools = manager()
    tools.add_tool_function(path=SAMPLE, func="extras")
    assert execute(tools, "extras", text="t", unit="m").text == "t 1 [('unit', 'm')]"
    assert "unknown parameter 'unit'" in execute(tools, "calculator", operation="add", x=1, y=1, unit="m").text


@pytest.mark.spec("TOOL-060")
def test_the_example_tool_adds() -> None:
    tools = ToolManager()
    tools.add_tool_function(path="massgen/tool/_basic/_two_num_tool.py", func="two_num_tool")
    assert execute(tools, "two_num_tool", x=123, y=456).text == "The sum of 123 and 456 is 579"


@pytest.mark.spec("TOOL-075")
def test_built_in_functions_can_be_used_in_tools(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("words")

    async def mine(path: str) -> ExecutionResult:
        """Use two of them."""
        text = (await read_file_content(path)).text
        return await run_python_script(f"print({text!r})")

    tools = ToolManager()
    tools.add_tool_function(func=mine)
    assert "words" in execute(tools, "mine", path=str(tmp_path / "a.txt")).text


@pytest.mark.spec("TOOL-008")
def test_the_docstring_describes_the_tool_and_its_parameters() -> None:
    tools = ToolManager()
    tools.add_tool_function(func="two_num_tool")
    (schema,) = tools.fetch_tool_schemas()
    assert "Add two numbers together" in schema["function"]["description"]
    fields = schema["function"]["parameters"]["properties"]
    assert (fields["x"]["description"], fields["y"]["description"]) == ("First number", "Second number")


def test_long_and_typed_descriptions_of_parameters_are_read() -> None:
    text = (
        "Sum.\n\nMore.\n\nArgs:\n    a (int): First\n        and more\n    b: Second: with colon\n\nReturns:\n    c: no"
    )
    assert parse_docstring(text) == ("Sum.\n\nMore.", {"a": "First and more", "b": "Second: with colon"})


class Colour(enum.Enum):
    RED = "red"
    BLUE = "blue"


@dataclass
class Point:
    x: int
    y: int = 0


@pytest.mark.spec("TOOL-007")
@pytest.mark.parametrize(
    ("hint", "schema"),
    [
        (str, {"type": "string"}),
        (int, {"type": "integer"}),
        (float, {"type": "number"}),
        (bool, {"type": "boolean"}),
        (list, {"type": "array", "items": {}}),
        (list[str], {"type": "array", "items": {"type": "string"}}),
        (dict, {"type": "object", "additionalProperties": True}),
        (dict[str, int], {"type": "object", "additionalProperties": {"type": "integer"}}),
        (Optional[int], {"type": "integer"}),  # noqa: UP045
        (int | None, {"type": "integer"}),
        (int | str, {"anyOf": [{"type": "integer"}, {"type": "string"}]}),
        (Literal["a", "b"], {"enum": ["a", "b"], "type": "string"}),
        (Colour, {"enum": ["red", "blue"], "type": "string"}),
        (Any, {}),
    ],
)
def test_type_hints_become_schemas(hint: Any, schema: dict[str, Any]) -> None:
    found = type_schema(hint)
    assert found == schema
    jsonschema.Draft202012Validator.check_schema(found)


@pytest.mark.spec("TOOL-007")
def test_defaults_and_optional_parameters_are_not_required() -> None:
    async def analyze_data(
        dataset: str,
        metrics: list,
        limit: int = 3,
        note: str | None = None,
        other: Optional[int] = None,  # noqa: UP045
    ) -> str:
        return ""

    _, schema = function_schema(analyze_data)
    assert schema["required"] == ["dataset", "metrics"]
    assert schema["properties"]["metrics"] == {"type": "array", "items": {}}
    assert schema["properties"]["limit"] == {"type": "integer", "default": 3}


async def draw(point: Point, colour: Colour, scale: float) -> str:
    """Draw."""
    return f"{point.x + point.y} {colour.name} {scale!r}"


def test_arguments_are_built_as_the_hints_say() -> None:
    tools = ToolManager()
    tools.add_tool_function(func=draw)
    assert execute(tools, "draw", point={"x": 1, "y": 2}, colour="red", scale=2).text == "3 RED 2.0"
    assert "Error" in execute(tools, "draw", point={"x": "no"}, colour="red", scale=2).text


@pytest.mark.spec("TOOL-013")
def test_a_parameter_without_a_hint_is_named() -> None:
    with pytest.raises(TypeError, match=r"cannot create schema for function 'untyped': parameter 'x'"):
        ToolManager().add_tool_function(path=SAMPLE, func="untyped")
