"""Tools of one agent: MCP servers, custom tools, filters (MCP-001, TOOL-020 to 029)."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from massgen.config.schema.base import Flag, FreeMap, Seconds, Section, Text, Texts, doc
from massgen.config.schema.hooks import Hooks


class McpSecurity(Section):
    """What a server's address and launcher may be."""

    level: Annotated[Literal["high", "permissive"], doc("high checks launcher and address.")] = "high"
    allow_localhost: Annotated[Flag, doc("Allow addresses of this machine.")] = True
    allow_private_ips: Annotated[Flag, doc("Allow private and link-local addresses.")] = False


class McpServer(Section):
    """One MCP server."""

    required = ("name",)

    name: Annotated[Text, doc("Unique name; tools are called `mcp__<name>__<tool>`.")] = ""
    type: Annotated[
        Literal["stdio", "streamable-http", "sse"] | None,
        doc("Left out: stdio where `command` is given, streamable-http where `url` is."),
    ] = None
    command: Annotated[Text | None, doc("Program to start (stdio).")] = None
    args: Annotated[Texts, doc("Its arguments.")] = ()
    url: Annotated[Text | None, doc("Address (streamable-http, sse).")] = None
    timeout_seconds: Annotated[Seconds, doc("Limit of one call.")] = 60
    cwd: Annotated[Text | None, doc("Where the server runs (stdio); left out: the agent's directory.")] = None
    stateless: Annotated[Flag, doc("Several agents share one connection.")] = False
    sandbox: Annotated[
        Flag, doc("Run it in the agent's sandbox (stdio). Left out: beside MassGen, with a neutral environment.")
    ] = False
    usage_notes: Annotated[Text, doc("How to use it; part of the agent's prompts.")] = ""
    env: Annotated[dict[Text, Text], doc("Variables for the server.")] = Field(default_factory=dict)
    headers: Annotated[dict[Text, Text], doc("HTTP headers (streamable-http, sse).")] = Field(default_factory=dict)
    allowed_tools: Annotated[Texts | None, doc("Only these tools of the server.")] = None
    exclude_tools: Annotated[Texts, doc("Never these tools.")] = ()
    security: Annotated[McpSecurity, doc("Limits on launcher and address.")] = McpSecurity.model_construct()


class CustomTool(Section):
    """Python functions of the user as tools."""

    required = ("function",)
    also: ClassVar[dict[str, str]] = {"func": "the same as `function`", "config": "the same as `preset_args`"}

    name: Annotated[Text | Texts | None, doc("Name or names; left out: those of the functions.")] = None
    function: Annotated[Text | Texts | None, doc("Function or functions.")] = None
    path: Annotated[Text | None, doc("Python file or directory; left out for built-in functions.")] = None
    category: Annotated[Text | None, doc("Free grouping.")] = None
    description: Annotated[Text | Texts | None, doc("Replaces the docstring.")] = None
    preset_args: Annotated[FreeMap | tuple[FreeMap, ...], doc("Fixed arguments, not shown to the model.")] = Field(
        default_factory=dict
    )


class ToolKeys(Section):
    """Tools and filters inside `backend`."""

    allowed_tools: Annotated[Texts | None, doc("Only these tools.")] = None
    exclude_tools: Annotated[Texts, doc("Never these tools; an exclusion always wins.")] = ()
    disallowed_tools: Annotated[
        Texts | None, doc("Never these tools (claude_code; left out: rm, sudo, su, chmod, chown in Bash).")
    ] = None
    exclude_file_operation_mcps: Annotated[Flag, doc("Drop the file tools except write_file and edit_file.")] = False
    concurrent_tool_execution: Annotated[Flag, doc("Run the calls of one turn in parallel.")] = False
    mcp_servers: Annotated[tuple[McpServer, ...], doc("MCP servers; a map by name is read too.")] = ()
    direct_mcp_servers: Annotated[
        Texts, doc("Servers that stay native tools while enable_code_based_tools is on.")
    ] = ()
    custom_tools: Annotated[tuple[CustomTool, ...], doc("Python functions as tools.")] = ()
    custom_tools_path: Annotated[Text | None, doc("Directory copied to custom_tools/.")] = None
    auto_discover_custom_tools: Annotated[Flag, doc("Add packaged tools and registry servers.")] = False
    exclude_custom_tools: Annotated[Texts, doc("Packaged tool directories to leave out.")] = ()
    include_custom_tools: Annotated[Texts, doc("Keep these in spite of missing keys.")] = ()
    tool_timeout_seconds: Annotated[Seconds, doc("Limit of one custom tool call.")] = 300
    enable_code_based_tools: Annotated[Flag, doc("Turn MCP tools into Python files.")] = False
    shared_tools_directory: Annotated[Text | None, doc("Generate tool code once for all agents.")] = None
    hooks: Annotated[Hooks, doc("Hooks of this agent, added to the global ones.")] = Hooks.model_construct()
