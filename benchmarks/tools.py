"""File tool calls through runner, hooks and policy beside the bare system calls: what one call costs in addition."""

from __future__ import annotations

import asyncio
import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from budget import Figure

from massgen.backends.protocol import ToolCall
from massgen.tools.files.permission import PathPermissionHook
from massgen.tools.files.toolset import file_tools
from massgen.tools.files.tracker import FileOperationTracker
from massgen.tools.hooks.chain import Hooks
from massgen.tools.protocol import ToolContext, ToolOutcome
from massgen.tools.runner import ToolRunner
from massgen.workspace.grants import Grants
from massgen.workspace.policy import AgentPathPolicy

ROUNDS = 300
CONTENT = "a line of a source file that is about as long as lines are\n" * 70
BUDGET_MS = 2


class Silent:
    """Nobody watches: the event log has a benchmark of its own."""

    def started(self, call_id: str, name: str, arguments: Mapping[str, Any]) -> None:
        """Nothing to tell."""

    def finished(self, call_id: str, name: str, outcome: ToolOutcome, milliseconds: float) -> None:
        if outcome.is_error:
            raise SystemExit(f"{name}: {outcome.text}")


def tools_over(base: Path) -> ToolRunner:
    """The tools of an agent with a deep workspace, a context path and protected files, as in a real run."""
    workspace, project = base / ".massgen/workspaces/one", base / "project"
    protected = project / "fixtures"
    for directory in (workspace / "src/deep/er", protected):
        directory.mkdir(parents=True)
    policy = AgentPathPolicy(
        workspace=workspace,
        grants=Grants(writable=(workspace, project), protected=(protected,), denied=(base / ".massgen",)),
        private=(workspace,),
    )
    hooks = Hooks(permission=(PathPermissionHook(policy=lambda: policy),))
    tools = file_tools(lambda: policy, tracker=FileOperationTracker())
    return ToolRunner(tools, hooks=hooks, observer=Silent())


def context(call: ToolCall) -> ToolContext:
    return ToolContext(agent_id="one", agent_number=1, round=0, phase="coordination", call_id=call.call_id)


def read_bare(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    os.read(descriptor, 1_000_000)
    os.close(descriptor)


def write_bare(path: Path) -> None:
    aside = path.with_name("aside")
    descriptor = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    os.write(descriptor, CONTENT.encode())
    os.close(descriptor)
    os.replace(aside, path)


async def median_pair(runner: ToolRunner, call: ToolCall, bare: Callable[[], None]) -> tuple[float, float]:
    """Milliseconds of the call and of the bare calls, taken in turns."""
    with_tool, without = [], []
    for _ in range(ROUNDS):
        begin = time.perf_counter()
        await runner.run_all([call], context)
        middle = time.perf_counter()
        bare()
        without.append(time.perf_counter() - middle)
        with_tool.append(middle - begin)
    return statistics.median(with_tool) * 1000, statistics.median(without) * 1000


async def measure(base: Path) -> None:
    runner = tools_over(base)
    path = base / ".massgen/workspaces/one/src/deep/er/file.py"
    named = {"path": "src/deep/er/file.py"}
    cases = {
        "write_file": (named | {"content": CONTENT}, lambda: write_bare(path)),
        "read_file": (named, lambda: read_bare(path)),
        "list_directory": ({"path": "src/deep/er"}, lambda: [os.lstat(each) for each in os.scandir(path.parent)]),
    }
    for name, (arguments, bare) in cases.items():
        call = ToolCall(call_id="c", name=f"mcp__filesystem__{name}", arguments=json.dumps(arguments))
        await runner.run_all([call], context)  # the first call imports the schema checker
        tool, system = await median_pair(runner, call, bare)
        Figure(name=f"{name} of 4 kB, alone", measured=system, unit="ms").report()
        Figure(name=f"{name} of 4 kB, in addition", measured=tool - system, unit="ms", budget=BUDGET_MS).report()


def main() -> None:
    with tempfile.TemporaryDirectory() as scratch:
        asyncio.run(measure(Path(scratch).resolve()))


if __name__ == "__main__":
    sys.exit(main())
