"""The custom tools of one agent as tools of the runner."""

from __future__ import annotations

import asyncio
import base64
import binascii
import json
import logging
import math
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import aclosing
from typing import Any

from msgspec import Struct

from massgen.backends.protocol import Media, ToolSpec
from massgen.errors import ConfigError
from massgen.tools.cleaning import clean, shorten
from massgen.tools.custom.process import WorkerEnded, WorkerPool
from massgen.tools.custom.settings import CALL_TIMEOUT, CustomToolSettings
from massgen.tools.media_files import Accepts, with_media_as_files
from massgen.tools.protocol import ToolContext, ToolOutcome, ToolTraits
from massgen.workspace.grants import Grants
from massgen.workspace.sandbox.protocol import Sandbox, SandboxFailed

log = logging.getLogger(__name__)

MAX_PARALLEL = 8
MAX_RESULT_TEXT = 400_000
_IMAGE_TYPES = ((b"\x89PNG", "image/png"), (b"\xff\xd8", "image/jpeg"), (b"GIF8", "image/gif"))
_SOUND_TYPES = ((b"RIFF", "audio/wav"), (b"OggS", "audio/ogg"), (b"fLaC", "audio/flac"))

Messages = Sequence[Mapping[str, Any]]


class CustomToolOptions(Struct, frozen=True, kw_only=True):
    """What a team gives its agents' custom tools.

    `grants` are read at each call, since they depend on the phase (TOOL-076). `sandbox` is where commands of
    the built-in functions run; `worker_prefix` is put before the command line of the workers. `messages` gives
    the conversation for `context_params("prompt")`. `refuse` may name a reason why a tool is blocked now.
    Media that `accepts_media` refuses (by MIME type; None: nothing is refused) become files in the workspace.
    """

    timeout_seconds: float = CALL_TIMEOUT
    grants: Callable[[], Grants] | None = None
    sandbox: Callable[[], Awaitable[Sandbox]] | None = None
    worker_prefix: Sequence[str] = ()
    messages: Callable[[], Messages] | None = None
    refuse: Callable[[str, ToolContext], str | None] | None = None
    accepts_media: Accepts | None = None


class CustomTools:
    """Loads the tools of one agent in a process of their own.

        async with CustomTools(parsed.tools, warn=print) as custom:
            tools = custom.tools

    Entering raises `ConfigError` where a file, function or import is missing (TOOL-034).
    """

    def __init__(
        self,
        settings: Sequence[CustomToolSettings],
        *,
        warn: Callable[[str], None],
        options: CustomToolOptions | None = None,
    ) -> None:
        self._settings = tuple(settings)
        self._warn = warn
        self._options = options or CustomToolOptions()
        self._pool = WorkerPool(self._settings, size=MAX_PARALLEL, wrap=self._options.worker_prefix)
        self.tools: tuple[CustomTool, ...] = ()

    async def __aenter__(self) -> CustomTools:
        if not self._settings:
            return self
        try:
            loaded = await self._pool.load()
            if loaded["problems"]:
                raise ConfigError("\n".join(loaded["problems"]))
        except BaseException:
            await self._pool.close()
            raise
        tools = []
        for settings, entry in zip(self._settings, loaded["tools"], strict=True):
            if not entry["is_async"]:
                self._warn(f"Custom tool '{settings.name}' is not async; it runs in a thread.")
            spec = ToolSpec(name=settings.full_name, description=entry["description"], parameters=entry["parameters"])
            tools.append(CustomTool(spec, settings, self._pool, self._options, entry["wants_messages"]))
        self.tools = tuple(tools)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._pool.close()


class CustomTool:
    """`custom_tool__<name>`."""

    def __init__(
        self,
        spec: ToolSpec,
        settings: CustomToolSettings,
        pool: WorkerPool,
        options: CustomToolOptions,
        wants_messages: bool,
    ) -> None:
        self.spec = spec
        self.settings = settings
        # The limit of a call is kept here, where the worker can be told.
        self.traits = ToolTraits(source="custom", timeout_seconds=math.inf)
        self._pool = pool
        self._options = options
        self._wants_messages = wants_messages

    async def call(self, arguments: Mapping[str, Any], context: ToolContext) -> ToolOutcome:
        """Run the function in a worker; crashes, time-outs and exceptions are error outcomes (TOOL-042, TOOL-043)."""
        reason = self._options.refuse(self.spec.name, context) if self._options.refuse else None
        if reason:
            return ToolOutcome(text=reason, is_error=True)
        seconds = self._options.timeout_seconds
        try:
            async with asyncio.timeout(seconds):
                outcome = await self._run(arguments, context)
        except TimeoutError:
            return ToolOutcome(text=f"Error: {self.spec.name} took longer than {seconds:g} s.", is_error=True)
        except WorkerEnded as error:
            return ToolOutcome(text=f"Error: {self.spec.name}: {clean(error.message)}.", is_error=True)
        return await with_media_as_files(outcome, context.workspace, self._options.accepts_media)

    async def _run(self, arguments: Mapping[str, Any], context: ToolContext) -> ToolOutcome:
        gathered = _Gathered(self.spec.name, context)
        message = {
            "tool": self.settings.name,
            "arguments": arguments,
            "context": self._context(context),
            "sandbox": self._options.sandbox is not None,
        }
        async with self._pool.worker() as worker, aclosing(worker.call(message)) as replies:
            async for reply in replies:
                if reply["op"] == "part":
                    gathered.add(reply)
                elif reply["op"] == "command":
                    await worker.answer({"op": "ran", "ended": await self._command(reply, context)})
                elif reply["op"] == "failed":
                    return ToolOutcome(text=f"Error: {self.spec.name} failed: {reply['error']}", is_error=True)
        return gathered.outcome()

    async def _command(self, wanted: Mapping[str, Any], context: ToolContext) -> dict[str, Any]:
        """Run a command of a built-in function in the agent's sandbox."""
        assert self._options.sandbox is not None
        try:
            sandbox = await self._options.sandbox()
            ended = await sandbox.run(str(wanted["command"]), timeout=float(wanted["timeout"]), cwd=context.workspace)
        except SandboxFailed as error:
            return {"exit_code": -1, "stdout": "", "stderr": error.message}
        return {
            "exit_code": ended.exit_code,
            "stdout": ended.stdout.decode(errors="replace"),
            "stderr": ended.stderr.decode(errors="replace"),
            "late": ended.limit == "time",
        }

    def _context(self, context: ToolContext) -> dict[str, Any]:
        options = self._options
        grants = options.grants() if options.grants else None
        shown: dict[str, Any] = {"workspace": str(context.workspace) if context.workspace else None}
        if grants is not None:
            shown |= {
                "writable": [str(path) for path in grants.writable],
                "readable": [str(path) for path in (*grants.readable, *grants.protected)],
                "denied": [str(path) for path in (*grants.denied, *grants.protected)],
            }
        if self._wants_messages and options.messages:
            shown["messages"] = list(options.messages())
        return shown


class _Gathered:
    """The parts of one call, made into one outcome (TOOL-010)."""

    def __init__(self, name: str, context: ToolContext) -> None:
        self._name = name
        self._context = context
        self._texts: list[str] = []
        self._media: list[Media] = []
        self._blocks = 0
        self._interrupted = False

    def add(self, part: Mapping[str, Any]) -> None:
        if part["meta"]:
            # For logs only: the model never sees it (TOOL-011).
            meta = shorten(json.dumps(part["meta"], default=str), 2_000)
            log.info("Tool %s of %s (%s): %s", self._name, self._context.agent_id, self._context.call_id, meta)
        self._interrupted = self._interrupted or part["interrupted"]
        if part["log"] or part["live"]:
            for block in part["blocks"]:
                if block["kind"] == "text":
                    self._context.progress(shorten(block["data"].strip(), 500))
        if part["log"]:
            return
        for block in part["blocks"]:
            self._blocks += 1
            if block["kind"] == "text":
                self._texts.append(block["data"])
            else:
                self._add_media(block["data"], image=block["kind"] == "image")

    def outcome(self) -> ToolOutcome:
        if not self._blocks:
            text = f"Error: {self._name} must give at least one content block."
            return ToolOutcome(text=text, is_error=True)
        text = shorten("\n".join(self._texts), MAX_RESULT_TEXT)
        if self._interrupted:
            text = f"[interrupted]\n{text}"
        return ToolOutcome(text=text, is_error=self._interrupted, media=tuple(self._media))

    def _add_media(self, encoded: str, *, image: bool) -> None:
        kind = "image" if image else "sound"
        try:
            data = base64.b64decode(encoded.split(",", 1)[-1], validate=True)
        except (binascii.Error, ValueError):
            self._texts.append(f"[{kind} left out: not valid base64]")
            return
        types = _IMAGE_TYPES if image else _SOUND_TYPES
        default = "image/webp" if image and data[8:12] == b"WEBP" else "image/png" if image else "audio/mpeg"
        media_type = next((name for start, name in types if data.startswith(start)), default)
        self._media.append(Media(data=data, media_type=media_type))
