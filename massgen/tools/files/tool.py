"""A file tool: a blocking function on a policy, run in a thread, its errors put into words for the model."""

from __future__ import annotations

import asyncio
import errno
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from msgspec import Struct, field

from massgen.backends.protocol import JsonSchema, ToolSpec
from massgen.errors import MassGenError
from massgen.tools.files.tracker import FileOperationTracker
from massgen.tools.protocol import ToolContext, ToolOutcome, ToolTraits
from massgen.workspace.policy import AgentPathPolicy

PolicyProvider = Callable[[], AgentPathPolicy]


class FileToolError(MassGenError):
    """The call cannot do what it asks for; the message tells the model why."""


class FileCall(Struct, frozen=True, kw_only=True):
    """What a file operation works with: the policy of the moment, the agent's tracker, and its arguments.

    `called_as` is the tool's name in messages; `stop` is set when the call was given up.
    """

    policy: AgentPathPolicy
    tracker: FileOperationTracker
    arguments: Mapping[str, Any]
    called_as: str
    stop: threading.Event = field(default_factory=threading.Event)

    def text(self, name: str, default: str = "") -> str:
        """A text argument."""
        value = self.arguments.get(name)
        return value if isinstance(value, str) else default

    def number(self, name: str) -> int | None:
        """A whole number, None where it was not given."""
        value = self.arguments.get(name)
        return value if isinstance(value, int) and not isinstance(value, bool) else None

    def flag(self, name: str) -> bool:
        """A boolean argument, False where it was not given."""
        return self.arguments.get(name) is True

    def texts(self, name: str) -> tuple[str, ...]:
        """A list of texts, empty where it was not given."""
        value = self.arguments.get(name)
        return tuple(each for each in value if isinstance(each, str)) if isinstance(value, list) else ()

    def shown(self, real: Path) -> str:
        """A path as the agent should read it: relative inside its workspace, else absolute."""
        workspace = self.policy.workspace
        return str(real.relative_to(workspace)) if real.is_relative_to(workspace) else str(real)

    def check_stop(self) -> None:
        """Raise when nobody waits for the result any more."""
        if self.stop.is_set():
            raise FileToolError("The call was stopped.")


Operation = Callable[[FileCall], str]


class FileTool(Struct, frozen=True, kw_only=True):
    """Implements `Tool`. Writing tools never run beside others, so that calls of one response keep their order."""

    server: str
    name: str
    description: str
    parameters: JsonSchema
    operation: Operation
    writes: bool
    policy: PolicyProvider
    tracker: FileOperationTracker

    @property
    def spec(self) -> ToolSpec:
        """The tool under its MCP name."""
        name = f"mcp__{self.server}__{self.name}"
        return ToolSpec(name=name, description=self.description, parameters=self.parameters)

    @property
    def traits(self) -> ToolTraits:
        """A tool of the file system."""
        return ToolTraits(source="file", server=self.server, writes=self.writes, parallel=not self.writes)

    async def call(self, arguments: Mapping[str, Any], context: ToolContext) -> ToolOutcome:
        """Run the operation in a thread; when cancelled, ask it to stop and wait until it has."""
        call = FileCall(
            policy=self.policy(),
            tracker=self.tracker,
            arguments=arguments,
            called_as=context.called_as or self.name,
        )
        work = asyncio.get_running_loop().run_in_executor(None, self._run, call)
        try:
            return await asyncio.shield(work)
        except asyncio.CancelledError:
            call.stop.set()
            await asyncio.wait([work])
            raise

    def _run(self, call: FileCall) -> ToolOutcome:
        try:
            return ToolOutcome(text=self.operation(call))
        except MassGenError as error:
            return ToolOutcome(text=f"Error: {error.message}", is_error=True)
        except OSError as error:
            return ToolOutcome(text=f"Error: {_worded(error, call)}", is_error=True)


def _worded(error: OSError, call: FileCall) -> str:
    """The system's error with the path as the agent wrote it, not that of the file that was to take its place."""
    named = call.text("path") or call.text("source") or call.text("source_path") or "the file"
    if isinstance(error.filename, str) and error.filename and not error.filename.endswith(".part"):
        named = call.shown(Path(error.filename)) if error.filename.startswith("/") else error.filename
    words = reason_of(error)
    return f"{call.called_as} {named!a}: {words}" if not named.isprintable() else f"{call.called_as} {named}: {words}"


def reason_of(error: OSError) -> str:
    """What the system says, as half a sentence that tells the model what to do next."""
    match error.errno:
        case errno.ENOENT:
            return "it does not exist"
        case errno.EISDIR:
            return "it is a directory; name a file in it"
        case errno.ENOTDIR:
            return "it, or a part of its path, is a file and not a directory"
        case errno.EEXIST:
            return "it exists already; delete it first, or name another destination"
        case errno.ENOTEMPTY:
            return "the directory is not empty; set recursive to delete its contents too"
        case errno.EXDEV:
            return "it would come to another file system; copy it there, then delete it here"
        case errno.ELOOP:
            return "its links lead in a circle"
        case errno.ENAMETOOLONG:
            return "its name is too long; use a shorter one"
        case errno.ENOSPC | errno.EDQUOT:
            return "the disk is full"
        case errno.EROFS:
            return "it lies on a file system that can only be read"
        case _:
            return error.strerror or type(error).__name__
