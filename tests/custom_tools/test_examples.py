"""The shipped examples with functions and servers."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from massgen.config import Config, load_config
from massgen.config.environment import Environment
from massgen.config.packaged import example_names, find_example
from massgen.tools.custom.tools import CustomTools
from massgen.tools.external import ExternalTools, external_tools
from massgen.tools.protocol import ToolContext

KEYS = Environment(
    process=dict.fromkeys(
        (
            *("OPENAI_API_KEY", "ANTHROPIC_API_KEY", "GOOGLE_API_KEY", "GEMINI_API_KEY", "XAI_API_KEY"),
            *("QWEN_API_KEY", "GROQ_API_KEY", "OPENROUTER_API_KEY", "BRAVE_API_KEY", "EXA_API_KEY"),
        ),
        "a-value-1",
    )
)
BASIC = ("claude", "claude_code", "gemini", "gpt5_nano", "gpt_oss", "grok3_mini", "qwen_api", "qwen_local")


def example(name: str) -> Config:
    """The shipped example; it is valid, without a warning."""
    path = find_example(name)
    assert path is not None, f"{name} is not shipped"
    return load_config(path, environment=KEYS).require(strict=True)


def external(config: Config, workspace: Path) -> ExternalTools:
    return external_tools(config.agents[0].backend, KEYS, workspace=workspace, bases=[workspace])


@pytest.mark.spec("TOOL-110", "TOOL-111", "TOOL-022")
def test_the_example_with_a_function_adds(tmp_path: Path) -> None:
    config = example("@examples/tools/custom_tools/gemini_custom_tool_example")
    (agent,) = config.agents
    assert (agent.id, agent.backend.model) == ("gemini2.5flash_custom_tool", "gemini-2.5-flash")
    assert (config.ui.display_type, config.ui.logging_enabled) == ("rich_terminal", True)
    found = external(config, tmp_path)
    assert [(tool.full_name, tool.category) for tool in found.custom] == [("custom_tool__two_num_tool", "math")]

    async def run() -> str:
        async with CustomTools(found.custom, warn=print) as custom:
            context = ToolContext(agent_id="a", agent_number=1, round=0, phase="coordination", call_id="c")
            return (await custom.tools[0].call({"x": 123, "y": 456}, context)).text

    assert asyncio.run(run()) == "The sum of 123 and 456 is 579"


@pytest.mark.spec("TOOL-111", "TOOL-030")
def test_the_example_with_a_function_and_a_server_has_both(tmp_path: Path) -> None:
    config = example("@examples/tools/custom_tools/gemini_custom_tool_with_mcp_example")
    found = external(config, tmp_path)
    assert config.ui.display_type == "simple"
    assert [tool.name for tool in found.custom] == ["two_num_tool"]
    (server,) = found.servers
    assert (server.name, server.command, server.args) == ("weather", "npx", ("-y", "@fak111/weather-mcp"))


@pytest.mark.spec("TOOL-112")
def test_the_example_for_claude_code_is_as_documented(tmp_path: Path) -> None:
    config = example("@examples/tools/custom_tools/claude_code_custom_tool_example")
    (agent,) = config.agents
    assert agent.id == "claude_code_custom_tools"
    assert (agent.backend.model, agent.backend.cwd) == ("claude-sonnet-4-20250514", "claude_code_workspace")
    orchestrator = config.orchestrator
    assert orchestrator.snapshot_storage == "claude_code_snapshots"
    assert orchestrator.agent_temporary_workspace == "claude_code_temp"
    assert external(config, tmp_path).custom[0].description == "Add two numbers together"


@pytest.mark.spec("TOOL-113", "TOOL-114")
@pytest.mark.parametrize("backend", BASIC)
def test_there_is_a_basic_example_for_each_backend_and_one_with_a_server(backend: str, tmp_path: Path) -> None:
    alone = external(example(f"@examples/tools/custom_tools/{backend}_custom_tool_example"), tmp_path)
    with_server = external(example(f"@examples/tools/custom_tools/{backend}_custom_tool_with_mcp_example"), tmp_path)
    assert [tool.name for tool in alone.custom] == [tool.name for tool in with_server.custom] == ["two_num_tool"]
    assert not alone.servers
    assert len(with_server.servers) == 1


@pytest.mark.spec("TOOL-115", "TOOL-116", "MCP-070")
@pytest.mark.parametrize(
    "name",
    [
        "tools/custom_tools/crawl4ai_example",
        "tools/custom_tools/gemini_computer_use_example",
        "tools/custom_tools/claude_computer_use_docker_example",
        "tools/custom_tools/simple_browser_automation_example",
        "tools/custom_tools/terminal_evaluation",
        "tools/mcp/gpt5_nano_mcp_example",
        "tools/mcp/multimcp_gemini",
        "tools/mcp/auto_discovery_with_registry",
        "tools/mcp/context7_documentation_example",
        "tools/mcp/brave_search_example",
        "tools/planning/five_agents_filesystem_mcp_planning_mode",
        "tools/web-search/exa_search_example",
    ],
)
def test_the_documented_examples_are_shipped_and_valid(name: str) -> None:
    assert example(f"@examples/{name}.yaml").agents
    assert example(f"massgen/configs/{name}.yaml").agents


@pytest.mark.spec("TOOL-116")
def test_there_are_as_many_examples_with_tools_as_the_documents_say() -> None:
    assert sum(name.removeprefix("@examples/").startswith("tools/") for name in example_names()) >= 58


@pytest.mark.spec("TOOL-117", "TOOL-095")
def test_the_examples_for_pictures_pages_and_terminals_are_as_documented() -> None:
    picture = example("@examples/tools/custom_tools/multimodal_tools/understand_image")
    (agent,) = picture.agents
    assert (agent.id, agent.backend.model, agent.backend.cwd) == ("understand_image_tool", "gpt-5-nano", "workspace1")
    (context_path,) = picture.orchestrator.context_paths
    assert context_path.path.endswith("resources/v0.1.3-example/multimodality.jpg")
    assert context_path.permission == "read"
    (scraper,) = example("@examples/tools/custom_tools/crawl4ai_example").agents
    assert (scraper.id, scraper.backend.model) == ("web_scraper_agent", "gpt-5-mini")
    names = [name for entry in scraper.backend.custom_tools for name in entry.name or ()]
    assert len(names) == 7
    (evaluator,) = example("@examples/tools/custom_tools/terminal_evaluation").agents
    assert (evaluator.id, evaluator.backend.model) == ("terminal_evaluator", "gpt-5-nano")


@pytest.mark.spec("TOOL-083", "TOOL-080")
def test_agents_of_a_team_have_different_tools(tmp_path: Path) -> None:
    team = {
        "agents": [
            {
                "id": "researcher",
                "backend": {
                    "type": "gemini",
                    "model": "gemini-2.5-flash",
                    "enable_web_search": True,
                    "mcp_servers": [
                        {
                            "name": "brave_search",
                            "command": "npx",
                            "args": ["-y", "@brave/brave-search-mcp-server"],
                            "env": {"BRAVE_API_KEY": "${BRAVE_API_KEY}"},
                        }
                    ],
                },
            },
            {
                "id": "developer",
                "backend": {
                    "type": "claude_code",
                    "model": "claude-sonnet-4-20250514",
                    "cwd": "w",
                    "custom_tools": [{"func": "run_python_script"}, {"func": "run_shell_script"}],
                },
            },
            {
                "id": "analyst",
                "backend": {
                    "type": "openai",
                    "model": "gpt-5-mini",
                    "enable_code_interpreter": True,
                    "custom_tools": [{"path": str(Path(__file__).with_name("sample.py")), "function": "chart"}],
                },
            },
        ],
        "orchestrator": {"snapshot_storage": "snapshots"},
    }
    config = load_config(team, environment=KEYS).require()
    found = [external_tools(agent.backend, KEYS, workspace=tmp_path, bases=[]) for agent in config.agents]
    assert [[server.name for server in each.servers] for each in found] == [["brave_search"], [], []]
    assert [[tool.name for tool in each.custom] for each in found] == [
        [],
        ["run_python_script", "run_shell_script"],
        ["chart"],
    ]
