"""Tools under program control, in this process (TOOL-050 to TOOL-055)."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from massgen.tool._calling import collected, is_async, results
from massgen.tool._context import context_names, current_call
from massgen.tool._loading import load, locate
from massgen.tool._result import ExecutionResult, TextContent
from massgen.tool._schema import argument_problem, function_schema

log = logging.getLogger(__name__)

PREFIX = "custom_tool__"
DEFAULT_CATEGORY = "default"


@dataclass(frozen=True, slots=True, kw_only=True)
class RegisteredTool:
    """One function of a manager: what the model sees and what is called."""

    name: str
    description: str
    parameters: Mapping[str, Any]
    function: Callable[..., Any]
    category: str
    preset: Mapping[str, Any] = field(default_factory=dict)


@dataclass(slots=True, kw_only=True)
class Category:
    """A group of tools that is switched together."""

    description: str = ""
    enabled: bool = True


class ToolManager:
    """Registers functions, gives their schemas and runs them.

    manager = ToolManager()
    manager.add_tool_function(path="my_tools/calculator.py", func="calculator", category="math")
    result = await manager.execute_tool({"name": "custom_tool__calculator", "input": {...}})
    """

    def __init__(self) -> None:
        self.categories: dict[str, Category] = {DEFAULT_CATEGORY: Category()}
        self._tools: dict[str, RegisteredTool] = {}

    def add_tool_function(
        self,
        path: str | None = None,
        func: str | Callable[..., Any] | None = None,
        category: str = DEFAULT_CATEGORY,
        *,
        name: str | None = None,
        description: str | None = None,
        preset_args: Mapping[str, Any] | None = None,
    ) -> str:
        """Register a function from a file, a built-in function, or a callable; gives the name models see.

        Raises `ConfigError` where the file or function is missing and TypeError for a missing type hint.
        """
        if func is None:
            raise TypeError("add_tool_function needs 'func'")
        function = load(locate(path, func, [Path.cwd()]), func) if isinstance(func, str) else func
        preset = dict(preset_args or {})
        words, parameters = function_schema(function, hidden={*preset, *context_names(function)})
        shown = PREFIX + (name or getattr(function, "__name__", "tool")).removeprefix(PREFIX)
        if not is_async(function):
            log.warning("Tool %s is not async; it runs in a thread.", shown)
        self.categories.setdefault(category, Category())
        self._tools[shown] = RegisteredTool(
            name=shown,
            description=description or words,
            parameters=parameters,
            function=function,
            category=category,
            preset=preset,
        )
        return shown

    def fetch_tool_schemas(self) -> list[dict[str, Any]]:
        """The schemas of all tools whose category is enabled."""
        return [
            {
                "type": "function",
                "function": {
                    "name": tool.name,
                    "description": tool.description,
                    "parameters": dict(tool.parameters),
                },
            }
            for tool in self._tools.values()
            if self.categories[tool.category].enabled
        ]

    async def execute_tool(self, request: Mapping[str, Any]) -> ExecutionResult:
        """Run `{"name": ..., "input": {...}}`; whatever goes wrong is the text of the result, never an exception."""
        name, arguments = str(request.get("name", "")), dict(request.get("input") or {})
        tool = self._tools.get(name) or self._tools.get(PREFIX + name)
        if tool is None:
            return _error(f"ToolNotFound: No tool named '{name}' exists")
        if not self.categories[tool.category].enabled:
            return _error(f"Error: the category '{tool.category}' of {tool.name} is disabled.")
        problem = argument_problem(arguments, tool.parameters)
        if problem:
            return _error(f"Error: {tool.name}: {problem}.")
        try:
            pieces = [piece async for piece in results(tool.function, {**arguments, **tool.preset}, current_call())]
        except Exception as error:  # noqa: BLE001 - the boundary of a tool call (TOOL-042)
            return _error(f"Error: {tool.name} failed: {type(error).__name__}: {error}")
        whole = collected(pieces)
        return whole if whole.output_blocks else _error(f"Error: {tool.name} must give at least one content block.")

    def setup_category(self, category_name: str, description: str = "", enabled: bool = True) -> None:
        """Create a category, or change its description and state."""
        self.categories[category_name] = Category(description=description, enabled=enabled)

    def modify_categories(self, category_names: Iterable[str] | str, enabled: bool) -> None:
        """Switch categories; KeyError for one that does not exist."""
        for name in _each(category_names):
            self.categories[name].enabled = enabled

    def delete_categories(self, category_names: Iterable[str] | str) -> None:
        """Remove categories with their tools; one that does not exist is ignored."""
        gone = set(_each(category_names))
        self._tools = {name: tool for name, tool in self._tools.items() if tool.category not in gone}
        self.categories = {name: each for name, each in self.categories.items() if name not in gone}
        self.categories.setdefault(DEFAULT_CATEGORY, Category())


def _each(names: Iterable[str] | str) -> list[str]:
    return [names] if isinstance(names, str) else list(names)


def _error(text: str) -> ExecutionResult:
    return ExecutionResult(output_blocks=[TextContent(data=text)], meta_info={"error": True})
