"""Filesystem-first mode (WS-150 to 160)."""

from typing import Annotated, Literal

from pydantic import Field

from massgen.config.schema.base import Flag, Section, Text, Texts, doc


class ModeCodeExecution(Section):
    """How code runs in this mode."""

    enabled: Annotated[Flag, doc("Run code.")] = True
    mode: Annotated[Literal["docker", "local"], doc("Where it runs.")] = "docker"


class SearchTools(Section):
    """Search programs offered to agents."""

    enable_ripgrep: Annotated[Flag, doc("rg")] = True
    enable_ast_grep: Annotated[Flag, doc("ast-grep")] = True
    enable_semtools: Annotated[Flag, doc("semtools")] = False


class FilesystemFirst(Section):
    """Tools as files instead of tool schemas (experimental)."""

    execution_mode: Annotated[Literal["context_based", "filesystem_first"], doc("Which of the two modes.")] = (
        "context_based"
    )
    in_context_tools: Annotated[
        dict[Text, Texts | Literal["*"]], doc("By category, the tools that stay in the context; `*` = all.")
    ] = Field(default_factory=dict)
    available_mcp_servers: Annotated[Texts, doc("MCP servers offered as files.")] = ()
    available_custom_tools: Annotated[Texts, doc("Custom tools offered as files, dotted.")] = ()
    code_execution: Annotated[ModeCodeExecution, doc("Code execution.")] = ModeCodeExecution.model_construct()
    search_tools: Annotated[SearchTools, doc("Search programs.")] = SearchTools.model_construct()
