"""What each backend type can do: the one table (BE-070). The validator, backends, pickers and documents read it."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

Source = Literal["provider", "massgen", "custom", "by_provider", "none"]
"""provider: built into it. massgen: given by us or over MCP. custom: through custom tools. by_provider: depends
on the server behind the endpoint."""

Switch = Literal["yes", "no", "warn", "alias"]
"""Verdict on an `enable_*` key: no is an error, warn a warning with best effort, alias another key's name."""

Grade = Literal["yes", "warn", "no"]


class Capabilities(Struct, frozen=True, kw_only=True):
    """One row of the table, plus what the adapter can really ask for.

    `image_understanding` and `generates` refine the media columns. `web_search_tool` and
    `code_execution_tool` say that the request layer can request the provider's own tool.
    """

    web_search: Source = "none"
    code_execution: Source = "none"
    shell: Source = "massgen"
    image: Source = "custom"
    audio: Source = "custom"
    video: Source = "custom"
    mcp: Grade = "yes"
    files: Source = "massgen"
    custom_tools: bool = True
    enable_web_search: Switch = "no"
    enable_code_execution: Switch = "no"
    enable_code_interpreter: Switch = "no"
    image_input: bool = True
    generates: frozenset[str] = frozenset()
    native_tool_calls: bool = True
    tool_hooks: bool = True
    web_search_tool: bool = False
    code_execution_tool: bool = False
    planning_mode: bool = True


_PLAIN = Capabilities()
_PRESET = Capabilities(
    web_search="by_provider",
    code_execution="by_provider",
    enable_web_search="warn",
    enable_code_execution="warn",
    enable_code_interpreter="warn",
)
_AGENT = Capabilities(web_search="provider", enable_web_search="yes", tool_hooks=False)
_COMMAND_LINE = Capabilities(
    web_search="provider", shell="provider", files="provider", enable_web_search="yes", tool_hooks=False
)

CAPABILITIES: dict[str, Capabilities] = {
    "openai": Capabilities(
        web_search="provider",
        code_execution="provider",
        image="provider",
        audio="provider",
        video="provider",
        enable_web_search="yes",
        enable_code_interpreter="yes",
        generates=frozenset({"image", "audio", "video"}),
        web_search_tool=True,
        code_execution_tool=True,
    ),
    "claude": Capabilities(
        web_search="provider",
        code_execution="provider",
        enable_web_search="yes",
        enable_code_execution="yes",
        enable_code_interpreter="alias",
        web_search_tool=True,
        code_execution_tool=True,
    ),
    "claude_code": _COMMAND_LINE,
    "codex": _COMMAND_LINE,
    "copilot": _AGENT,
    "gemini": Capabilities(
        web_search="provider",
        code_execution="provider",
        enable_web_search="yes",
        enable_code_execution="yes",
        web_search_tool=True,
        code_execution_tool=True,
    ),
    "gemini_cli": Capabilities(
        web_search="provider",
        code_execution="provider",
        shell="provider",
        files="provider",
        enable_web_search="yes",
        enable_code_execution="yes",
        tool_hooks=False,
    ),
    "grok": Capabilities(web_search="provider", enable_web_search="yes", web_search_tool=True),
    "azure_openai": Capabilities(
        web_search="provider",
        code_execution="provider",
        image="provider",
        audio="none",
        video="none",
        mcp="warn",
        custom_tools=False,
        enable_web_search="warn",
        enable_code_execution="warn",
        enable_code_interpreter="warn",
        generates=frozenset({"image"}),
        planning_mode=False,
    ),
    "chatcompletion": _PRESET,
    "groq": _PRESET,
    "cerebras": _PRESET,
    "together": _PRESET,
    "fireworks": _PRESET,
    "openrouter": Capabilities(
        web_search="by_provider",
        code_execution="by_provider",
        enable_web_search="yes",
        enable_code_execution="warn",
        enable_code_interpreter="warn",
    ),
    "qwen": _PRESET,
    "moonshot": _PRESET,
    "nebius": _PRESET,
    "zai": _PLAIN,
    "lmstudio": _PLAIN,
    "vllm": _PLAIN,
    "sglang": _PLAIN,
    "inference": _PLAIN,
    "ag2": Capabilities(
        code_execution="provider",
        shell="none",
        image="none",
        audio="none",
        video="none",
        mcp="no",
        files="none",
        custom_tools=False,
        image_input=False,
        tool_hooks=False,
        planning_mode=False,
    ),
    "simulated": Capabilities(shell="none", image="none", audio="none", video="none", image_input=False),
}
"""By canonical type name; every backend type has a row."""


def capabilities_of(type_name: str) -> Capabilities:
    """The row of a type; KeyError for an unknown one."""
    return CAPABILITIES[type_name]


def types_with(column: str) -> tuple[str, ...]:
    """Names of the types whose switch `column` is yes, for suggestions (CFG-069)."""
    assert column in Capabilities.__struct_fields__
    return tuple(name for name, row in CAPABILITIES.items() if getattr(row, column) == "yes")
