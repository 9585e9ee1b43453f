from __future__ import annotations

import asyncio

import pytest

from massgen.tools.filter import NameFilter, OfferedTool, select_tools
from tests.tools.doubles import call, context, echo, runner

TOOLS = (
    OfferedTool(name="new_answer"),
    OfferedTool(name="mcp__discord__send", server="discord"),
    OfferedTool(name="mcp__discord__read", server="discord"),
    OfferedTool(name="mcp__slack__send", server="slack"),
    OfferedTool(name="mcp__filesystem__read_file", server="filesystem"),
    OfferedTool(name="custom_tool__poem"),
)
ALL = tuple(tool.name for tool in TOOLS)


def kept(**filters: NameFilter) -> set[str]:
    backend = filters.pop("backend", None)
    return set(select_tools(TOOLS, servers=filters, backend=backend).kept)


@pytest.mark.spec("MCP-040")
def test_an_excluded_tool_is_not_offered_and_a_call_of_it_is_refused() -> None:
    selection = select_tools(TOOLS, backend=NameFilter(excluded=("mcp__discord__send",)))
    assert set(ALL) - set(selection.kept) == {"mcp__discord__send"}
    tools = runner([echo(name) for name in selection.kept])
    [outcome] = asyncio.run(tools.run_all([call("mcp__discord__send")], context))
    assert outcome.is_error


@pytest.mark.spec("MCP-041")
def test_a_servers_whitelist_concerns_only_that_server() -> None:
    assert set(ALL) - kept(discord=NameFilter(allowed=("read",))) == {"mcp__discord__send"}


@pytest.mark.spec("MCP-042")
def test_exclusions_of_server_and_backend_are_combined() -> None:
    left = kept(discord=NameFilter(excluded=("send",)), backend=NameFilter(excluded=("mcp__filesystem__read_file",)))
    assert set(ALL) - left == {"mcp__discord__send", "mcp__filesystem__read_file"}


@pytest.mark.spec("BE-073")
@pytest.mark.parametrize("entry", ["mcp__discord__read", "read", "mcp__discord__*", "*"])
def test_an_exclusion_wins_over_every_whitelist(entry: str) -> None:
    left = kept(
        discord=NameFilter(allowed=(entry,)), backend=NameFilter(allowed=("mcp__discord__read",), excluded=(entry,))
    )
    assert "mcp__discord__read" not in left


@pytest.mark.spec("BE-073")
@pytest.mark.parametrize("entry", ["read_file", "mcp__filesystem__read_text_file", "read_text_file", "*read_file"])
def test_filters_take_bare_names_aliases_and_globs(entry: str) -> None:
    assert "mcp__filesystem__read_file" not in kept(backend=NameFilter(excluded=(entry,)))


@pytest.mark.spec("BE-073")
def test_coordination_tools_cannot_be_filtered_out() -> None:
    assert kept(backend=NameFilter(allowed=(), excluded=("*",))) == {"new_answer"}


@pytest.mark.spec("BE-073")
def test_a_shared_bare_name_excludes_all_and_allows_none() -> None:
    assert not {"mcp__discord__send", "mcp__slack__send"} & kept(backend=NameFilter(excluded=("send",)))
    selection = select_tools(TOOLS, backend=NameFilter(allowed=("send",)))
    assert selection.kept == ("new_answer",)
    assert "ambiguous" in selection.warnings[0]


@pytest.mark.spec("MCP-043")
def test_a_name_that_fits_nothing_gives_a_warning_with_the_closest() -> None:
    selection = select_tools(TOOLS, backend=NameFilter(excluded=("mcp__discord__sent",)))
    assert selection.kept == ALL
    assert "mcp__discord__sent" in selection.warnings[0]
    assert "mcp__discord__send'" in selection.warnings[0]


@pytest.mark.spec("MCP-043")
def test_names_of_a_backends_own_tools_give_no_warning() -> None:
    selection = select_tools(TOOLS, backend=NameFilter(excluded=("Bash",)), native=("Bash", "Read"))
    assert selection.warnings == ()
