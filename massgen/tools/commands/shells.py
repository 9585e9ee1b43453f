"""The five tools of background shells (EXEC-075)."""

from __future__ import annotations

import json
import math
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from massgen.backends.protocol import ToolSpec
from massgen.errors import MassGenError
from massgen.tools.commands.checks import checked_directory
from massgen.tools.commands.execute import PREFIX, SERVER
from massgen.tools.commands.output import fitted, readable
from massgen.tools.commands.settings import CommandPlace, CommandSettings
from massgen.tools.commands.watch import ShellWatch
from massgen.tools.protocol import ToolContext, ToolOutcome, ToolTraits
from massgen.workspace.sandbox.shells import Shells, ShellState

_Action = Callable[[Mapping[str, Any], ToolContext], Awaitable[dict[str, Any]]]


class ShellTool:
    """One of the five; `action` answers with the JSON object that the model gets."""

    def __init__(self, name: str, description: str, properties: dict[str, Any], action: _Action) -> None:
        required = [key for key in properties if key != "work_dir"]
        parameters = {"type": "object", "properties": properties, "required": required}
        self._spec = ToolSpec(name=PREFIX + name, description=description, parameters=parameters)
        self._writes = name in ("start_background_shell", "kill_background_shell")
        self._action = action

    @property
    def spec(self) -> ToolSpec:
        return self._spec

    @property
    def traits(self) -> ToolTraits:
        return ToolTraits(source="command", server=SERVER, writes=self._writes, timeout_seconds=math.inf)

    async def call(self, arguments: Mapping[str, Any], context: ToolContext) -> ToolOutcome:
        try:
            answer = await self._action(arguments, context)
        except MassGenError as error:
            return ToolOutcome(text=f"Error: {error.message}", is_error=True)
        return ToolOutcome(text=json.dumps(answer, ensure_ascii=False))


class ShellActions:
    """What the tools do, for one agent: its shells are its own (EXEC-081)."""

    def __init__(self, place: CommandPlace, settings: CommandSettings, watch: ShellWatch | None = None) -> None:
        self._place = place
        self._watch = watch
        self._settings = settings
        self._shells = Shells(settings.max_shells)

    def tools(self) -> list[ShellTool]:
        text, shell = {"type": "string"}, {"shell_id": {"type": "string"}}
        start = {"command": text, "work_dir": text}
        return [
            ShellTool("start_background_shell", "Start a command and go on working.", start, self.start),
            ShellTool("get_background_shell_output", "Last output of a background shell.", shell, self.output),
            ShellTool("get_background_shell_status", "Whether a background shell still runs.", shell, self.status),
            ShellTool("kill_background_shell", "End a background shell.", shell, self.kill),
            ShellTool("list_background_shells", "Your background shells.", {}, self.list),
        ]

    async def start(self, arguments: Mapping[str, Any], context: ToolContext) -> dict[str, Any]:
        command = str(arguments["command"])
        directory = checked_directory(command, arguments.get("work_dir"), self._place, self._settings, context.agent_id)
        state = await self._shells.start(await self._place.sandbox(), command, cwd=directory)
        if self._watch is not None:
            self._watch.begun(state, self._shells.ended(state.shell_id))
        return {"success": True} | _described(state)

    async def output(self, arguments: Mapping[str, Any], _: ToolContext) -> dict[str, Any]:
        found = self._shells.output(str(arguments["shell_id"]))
        stdout, stderr = fitted(readable(found.stdout), readable(found.stderr))
        return {
            "shell_id": found.state.shell_id,
            "stdout": stdout,
            "stderr": stderr,
            "exit_code": found.state.exit_code,
            "status": found.state.status,
        }

    async def status(self, arguments: Mapping[str, Any], _: ToolContext) -> dict[str, Any]:
        return _described(self._shells.status(str(arguments["shell_id"])))

    async def kill(self, arguments: Mapping[str, Any], _: ToolContext) -> dict[str, Any]:
        return {"success": True} | _described(await self._shells.kill(str(arguments["shell_id"])))

    async def list(self, _: Mapping[str, Any], __: ToolContext) -> dict[str, Any]:
        return {"shells": [_described(state) for state in self._shells.all()]}


def _described(state: ShellState) -> dict[str, Any]:
    answer: dict[str, Any] = {
        "shell_id": state.shell_id,
        "status": state.status,
        "exit_code": state.exit_code,
        "duration_seconds": round(state.duration_seconds, 3),
        "started_at": datetime.fromtimestamp(state.started_at, UTC).isoformat(timespec="seconds"),
        "command": state.command[:500],
        "work_dir": state.work_dir,
    }
    if state.limit is not None:
        answer["note"] = f"ended: over the limit of {state.limit}"
    return answer
