"""The tools an agent gets with `enable_mcp_command_line: true` (EXEC-001)."""

from __future__ import annotations

from massgen.tools.commands.execute import ExecuteCommand
from massgen.tools.commands.settings import CommandPlace, CommandSettings
from massgen.tools.commands.shells import ShellActions
from massgen.tools.commands.watch import ShellWatch
from massgen.tools.protocol import Tool


def command_tools(place: CommandPlace, settings: CommandSettings, watch: ShellWatch | None = None) -> list[Tool]:
    """`execute_command` and the five tools of background shells, for one agent; `watch` hears of its shells."""
    return [ExecuteCommand(place, settings), *ShellActions(place, settings, watch).tools()]
