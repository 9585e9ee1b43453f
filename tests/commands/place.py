"""An agent with a command line: a real policy, a real sandbox, the real tools."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from massgen.config.schema.execution import CommandKeys
from massgen.tools.commands.offer import command_tools
from massgen.tools.commands.settings import CommandSettings, command_settings
from massgen.tools.protocol import Tool, ToolContext, ToolOutcome
from massgen.workspace.grants import Grants, PathPolicy
from massgen.workspace.policy import AgentPathPolicy
from massgen.workspace.sandbox.agent import AgentSandboxes
from massgen.workspace.sandbox.choice import LocalSettings, choose_sandbox
from massgen.workspace.sandbox.protocol import Sandbox

T = TypeVar("T")


@dataclass(slots=True)
class Agent:
    """Tools by their bare names, and the sandboxes below them."""

    tools: dict[str, Tool]
    sandboxes: AgentSandboxes
    number: int = 1

    async def call(self, name: str, **arguments: Any) -> ToolOutcome:
        context = ToolContext(
            agent_id=f"agent_{self.number}", agent_number=self.number, round=0, phase="coordination", call_id="call-1"
        )
        return await self.tools[name].call(arguments, context)

    async def ask(self, name: str, **arguments: Any) -> dict[str, Any]:
        return json.loads((await self.call(name, **arguments)).text)


def make_agent(root: Path, *, number: int = 1, log_directory: Path | None = None, redact=str, **keys: Any) -> Agent:
    """An agent with a workspace, a readable and a writable context directory below `root`."""
    workspace = root / f"ws{number}"
    for name in (workspace.name, "readable", "writable"):
        (root / name).mkdir(exist_ok=True)
    (root / "writable" / "kept.txt").write_text("kept\n")
    policy = AgentPathPolicy(
        workspace=workspace,
        grants=Grants(
            writable=(workspace, root / "writable"),
            readable=(root / "readable",),
            protected=(root / "writable" / "kept.txt",),
        ),
        private=(workspace,),
    )

    def make(chosen: PathPolicy) -> Sandbox:
        private = root / f"private{number}"
        return choose_sandbox(LocalSettings(), chosen.grants, private=private, workspace=workspace, warn=lambda _: None)

    sandboxes = AgentSandboxes(policy, make)
    settings: CommandSettings = command_settings(
        CommandKeys.model_validate(keys), log_directory=log_directory, redact=redact
    )
    tools = {tool.spec.name.removeprefix("mcp__command_line__"): tool for tool in command_tools(sandboxes, settings)}
    return Agent(tools=tools, sandboxes=sandboxes, number=number)


def within(*agents: Agent, use: Callable[[], Awaitable[T]]) -> T:
    async def run() -> T:
        try:
            return await use()
        finally:
            for agent in agents:
                await agent.sandboxes.close()

    return asyncio.run(run())


def execute(agent: Agent, command: str, **arguments: Any) -> ToolOutcome:
    return within(agent, use=lambda: agent.call("execute_command", command=command, **arguments))
