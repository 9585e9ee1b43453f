"""The program in which a user's tools run, one call at a time: whatever they do, the run is elsewhere.

It speaks JSON lines: `load` and `call` on standard input; `loaded`, `part`, `done` and `failed` on what was
standard output when it started. What the tools print goes to standard error. It ends when its input does.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
import threading
from pathlib import Path
from typing import Any

from massgen.errors import MassGenError
from massgen.tool._calling import is_async, results
from massgen.tool._context import CallContext, CommandOutput, RunCommand, context_names
from massgen.tool._loading import load
from massgen.tool._result import AudioContent, ExecutionResult, ImageContent
from massgen.tool._schema import argument_problem, function_schema
from massgen.workspace.sandbox.inside.warden import descendants, kill, process_control

Message = dict[str, Any]
SUBREAPER = 36
FORCED = getattr(signal, "SIGKILL", signal.SIGTERM)


class Worker:
    """Holds the loaded functions and the one running call."""

    def __init__(self, output: int) -> None:
        self._output = output
        self._functions: dict[str, Any] = {}
        self._presets: dict[str, Message] = {}
        self._schemas: dict[str, Message] = {}
        self._running: asyncio.Task[None] | None = None
        self._command: asyncio.Future[CommandOutput] | None = None
        self._commands = asyncio.Lock()

    async def run(self, messages: asyncio.Queue[Message]) -> None:
        while True:
            message = await messages.get()
            if message["op"] == "load":
                self._load(message)
            elif message["op"] == "cancel" and self._running is not None:
                self._running.cancel()
            elif message["op"] == "ran" and self._command is not None:
                ended = CommandOutput(**message["ended"])
                self._command.set_result(ended)
            elif message["op"] == "call":
                self._running = asyncio.get_running_loop().create_task(self._call(message))

    def send(self, message: Message) -> None:
        data = json.dumps(message, ensure_ascii=False, default=str).encode() + b"\n"
        view = memoryview(data)
        while view:
            view = view[os.write(self._output, view) :]

    def _load(self, message: Message) -> None:
        tools: list[Message] = []
        problems: list[str] = []
        for entry in message["tools"]:
            try:
                tools.append(self._loaded(entry))
            except (MassGenError, TypeError) as error:
                problems.append(str(error))
        self.send({"op": "loaded", "tools": tools, "problems": problems})

    def _loaded(self, entry: Message) -> Message:
        function = load(entry["place"], entry["function"])
        preset = entry["preset"]
        description, schema = function_schema(function, hidden={*preset, *context_names(function)})
        name = entry["name"]
        self._functions[name], self._presets[name], self._schemas[name] = function, preset, schema
        return {
            "name": name,
            "description": entry["description"] or description,
            "parameters": schema,
            "is_async": is_async(function),
            "wants_messages": bool({"prompt", "messages"} & set(context_names(function))),
        }

    async def _call(self, message: Message) -> None:
        name, arguments = message["tool"], message["arguments"]
        problem = argument_problem(arguments, self._schemas[name])
        if problem:
            self.send({"op": "failed", "error": problem})
            return
        context = _context(message["context"], self._run_command if message["sandbox"] else None)
        if context.workspace is not None and context.workspace.is_dir():
            os.chdir(context.workspace)
        function = self._functions[name]
        try:
            async for result in results(function, {**arguments, **self._presets[name]}, context):
                self.send(_part(result))
        except asyncio.CancelledError:
            self.send({"op": "done", "cancelled": True, "thread": not is_async(function)})
            return
        except (Exception, SystemExit, KeyboardInterrupt) as error:  # noqa: BLE001 - the boundary of a tool call
            self.send({"op": "failed", "error": f"{type(error).__name__}: {error}"})
            return
        self.send({"op": "done"})

    async def _run_command(self, command: str, timeout: float) -> CommandOutput:
        """Let the run execute the command in the agent's sandbox; one at a time."""
        async with self._commands:
            self._command = asyncio.get_running_loop().create_future()
            self.send({"op": "command", "command": command, "timeout": timeout})
            return await self._command


def _part(result: ExecutionResult) -> Message:
    blocks = []
    for block in result.output_blocks:
        kind = {ImageContent: "image", AudioContent: "audio"}.get(type(block), "text")
        blocks.append({"kind": kind, "data": str(block.data)})
    return {
        "op": "part",
        "blocks": blocks,
        "meta": result.meta_info,
        "log": result.is_log,
        "live": result.is_streaming and not result.is_final,
        "interrupted": result.was_interrupted,
    }


def _context(raw: Message, run_command: RunCommand | None) -> CallContext:
    def paths(key: str) -> tuple[Path, ...]:
        return tuple(Path(path) for path in raw.get(key) or ())

    return CallContext(
        workspace=Path(raw["workspace"]) if raw.get("workspace") else None,
        writable=None if raw.get("writable") is None else paths("writable"),
        readable=paths("readable"),
        denied=paths("denied"),
        run_command=run_command,
        messages=raw.get("messages") or (),
    )


def _listen(source: int, loop: asyncio.AbstractEventLoop, messages: asyncio.Queue[Message]) -> None:
    with os.fdopen(source, "rb") as lines:
        for line in lines:
            loop.call_soon_threadsafe(messages.put_nowait, json.loads(line))
    # The run is gone; a blocking tool must not outlive it, nor what it started.
    for pid in descendants(os.getpid()):
        kill(pid, FORCED)
    os._exit(0)


async def _main(source: int, output: int) -> None:
    messages: asyncio.Queue[Message] = asyncio.Queue()
    loop = asyncio.get_running_loop()
    threading.Thread(target=_listen, args=(source, loop, messages), daemon=True).start()
    await Worker(output).run(messages)


if __name__ == "__main__":
    # Descriptors of our own, so that nothing a tool prints or reads gets between.
    source, output = os.dup(0), os.dup(1)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.dup2(2, 1)
    sys.path.append(os.getcwd())
    # What a tool starts and leaves stays below this process, so that it ends with it.
    process_control(SUBREAPER, 1)
    asyncio.run(_main(source, output))
