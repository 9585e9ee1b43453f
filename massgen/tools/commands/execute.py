"""`execute_command`: run one command in the agent's sandbox and give back how it ended (EXEC-003 to EXEC-009)."""

from __future__ import annotations

import asyncio
import json
import math
from collections.abc import Mapping
from typing import Any

from massgen.backends.protocol import ToolSpec
from massgen.errors import MassGenError
from massgen.tools.commands.checks import checked_directory
from massgen.tools.commands.output import fitted, keep_whole, readable
from massgen.tools.commands.settings import LOGGED_CHARACTERS, CommandPlace, CommandSettings
from massgen.tools.protocol import ToolContext, ToolOutcome, ToolTraits
from massgen.workspace.sandbox.protocol import CommandResult, Limit

SERVER = "command_line"
PREFIX = f"mcp__{SERVER}__"

_ENDED: Mapping[Limit, str] = {
    "time": "ended after {timeout:g} s, the limit of one command; use start_background_shell for longer work",
    "memory": "ended: the commands used more memory than allowed",
    "processes": "ended: the commands started more processes than allowed",
    "disk": "ended: the commands wrote more to disk than allowed",
    "output": "ended: it wrote more output than allowed; send long output to a file",
}


class ExecuteCommand:
    """The tool. A non-zero exit is a normal result; only refusals and a broken sandbox are errors."""

    def __init__(self, place: CommandPlace, settings: CommandSettings) -> None:
        self._place = place
        self._settings = settings

    @property
    def spec(self) -> ToolSpec:
        return ToolSpec(
            name=f"{PREFIX}execute_command",
            description=(
                f"Run a shell command in your workspace; at most {self._settings.timeout:g} s. "
                "Processes it leaves behind are ended: start servers with start_background_shell."
            ),
            parameters={
                "type": "object",
                "properties": {
                    "command": {"type": "string"},
                    "timeout": {"type": "number", "description": "Seconds", "exclusiveMinimum": 0},
                    "work_dir": {"type": "string", "description": "Directory; default: your workspace"},
                },
                "required": ["command"],
            },
        )

    @property
    def traits(self) -> ToolTraits:
        return ToolTraits(source="command", server=SERVER, timeout_seconds=math.inf)

    async def call(self, arguments: Mapping[str, Any], context: ToolContext) -> ToolOutcome:
        command = str(arguments["command"])
        timeout = min(float(arguments.get("timeout") or math.inf), self._settings.timeout)
        try:
            directory = checked_directory(
                command, arguments.get("work_dir"), self._place, self._settings, context.agent_id
            )
            sandbox = await self._place.sandbox()
            result = await sandbox.run(command, timeout=timeout, cwd=directory)
        except MassGenError as error:
            return ToolOutcome(text=f"Error: {error.message}", is_error=True)
        return await self._outcome(result, command, str(directory), timeout, context)

    async def _outcome(
        self, result: CommandResult, command: str, directory: str, timeout: float, context: ToolContext
    ) -> ToolOutcome:
        whole = readable(result.stdout), readable(result.stderr)
        stdout, stderr = fitted(*whole)
        if (stdout, stderr) != whole:
            await asyncio.to_thread(keep_whole, self._settings, context.call_id, command, *whole)
        answer: dict[str, Any] = {
            "success": result.exit_code == 0 and result.limit is None,
            "exit_code": result.exit_code,
            "stdout": stdout,
            "stderr": stderr,
            "execution_time": round(result.seconds, 3),
            "command": command if len(command) <= 500 else f"{command[:500]}...",
            "work_dir": directory,
        }
        if result.limit is not None:
            answer["timed_out"] = result.limit == "time"
            answer["note"] = _ENDED[result.limit].format(timeout=timeout)
        text = json.dumps(answer, ensure_ascii=False)
        if (stdout, stderr) == whole:
            return ToolOutcome(text=text)
        answer["stdout"], answer["stderr"] = fitted(*whole, LOGGED_CHARACTERS)
        return ToolOutcome(text=text, whole=json.dumps(answer, ensure_ascii=False))
