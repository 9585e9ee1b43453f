"""What authors of tools import, and the functions that ship as building blocks.

Names are imported when they are first used, so that a tool file that needs two classes pays for two classes.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from massgen.tool._basic import two_num_tool
    from massgen.tool._code_executors import run_python_script, run_shell_script
    from massgen.tool._context import CallContext, context_params, current_call
    from massgen.tool._file_handlers import append_file_content, read_file_content, save_file_content
    from massgen.tool._manager import ToolManager
    from massgen.tool._result import AudioContent, ExecutionResult, ImageContent, TextContent

__all__ = [
    "AudioContent",
    "CallContext",
    "ExecutionResult",
    "ImageContent",
    "TextContent",
    "ToolManager",
    "append_file_content",
    "context_params",
    "current_call",
    "read_file_content",
    "run_python_script",
    "run_shell_script",
    "save_file_content",
    "two_num_tool",
]

_HOMES = {
    "AudioContent": "_result",
    "CallContext": "_context",
    "ExecutionResult": "_result",
    "ImageContent": "_result",
    "TextContent": "_result",
    "ToolManager": "_manager",
    "append_file_content": "_file_handlers",
    "context_params": "_context",
    "current_call": "_context",
    "read_file_content": "_file_handlers",
    "run_python_script": "_code_executors",
    "run_shell_script": "_code_executors",
    "save_file_content": "_file_handlers",
    "two_num_tool": "_basic",
}


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module 'massgen.tool' has no attribute '{name}'")
    return getattr(import_module(f"massgen.tool.{home}"), name)


def __dir__() -> list[str]:
    return __all__
