"""Everything agents get besides their models: files, tools, and the sentences about them in prompts."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct, field

from massgen.agents.notes import NoteDesk
from massgen.config import AgentConfig, Config, LoadedConfig
from massgen.coordination.prompts import CHANGEDOC, CHANGEDOC_FINAL
from massgen.engine.broadcast import HumanAnswers
from massgen.engine.person import AskHuman
from massgen.events.stream import EventStream
from massgen.runs.context_rules import memory_wanted, notes_wanted
from massgen.runs.memory import TeamMemory
from massgen.runs.team import Equipment
from massgen.runs.toolbox import Toolbox
from massgen.runs.toolparts import ToolParts, ToolSurroundings
from massgen.runs.traces import RoundTraces
from massgen.runs.workfiles import FilesOf, TeamFiles
from massgen.tools.protocol import Tool
from massgen.workspace.access import PathNote
from massgen.workspace.context_paths import RequestedPath

if TYPE_CHECKING:
    from massgen.tools.mcp import Questions

log = logging.getLogger(__name__)
PROVIDER_CODE = (
    "Your provider's code execution cannot see these files. For anything with them use the command tools "
    "(mcp__command_line__execute_command)."
)
_PURPOSES = {
    "workspace": "your workspace; relative paths start here, its files are part of your answer",
    "others": "everybody's submitted files, one directory for each agent; traces/ shows how answers came about",
    "earlier turn": "result of an earlier turn",
    "project copy": "your own copy of the project",
    "context": "given by the user",
    "extra": "for reference",
}


class EquipmentNeeds(Struct, frozen=True, kw_only=True):
    """What equipping needs to know of the run. `steps` tells where the log keeps a step's files, `session` is the
    session's directory, `earlier` shows the files of its earlier turns before anything is granted."""

    config: Config
    loaded: LoadedConfig
    launch: Path
    warn: Callable[[str], None]
    redact: Callable[[str], str]
    log_directory: Callable[[], Path]
    steps: Callable[[str], Path | None]
    stream: EventStream
    session: Path
    earlier: Callable[[TeamFiles], Awaitable[None]]
    files_of: FilesOf
    extra_paths: tuple[RequestedPath, ...] = ()
    ask_human: AskHuman | None = None
    human_answers: HumanAnswers = field(default_factory=HumanAnswers)


class Equipped(Struct, frozen=True, kw_only=True):
    """The equipment of all agents, in order, and the files behind it."""

    kits: tuple[Equipment, ...]
    files: TeamFiles
    toolboxes: tuple[Toolbox, ...] = ()

    async def all_tools(self) -> list[Tool]:
        """The tools of all agents, each name once."""
        found: dict[str, Tool] = {}
        for toolbox in self.toolboxes:
            for tool in await toolbox.all_tools():
                found.setdefault(tool.spec.name, tool)
        return list(found.values())

    def block(self, names: Sequence[str]) -> tuple[str, ...]:
        """Refuse these tools to every agent during coordination; what is blocked now."""
        return tuple(sorted({name for toolbox in self.toolboxes for name in toolbox.block(names)}))


async def equip(needs: EquipmentNeeds, stack: AsyncExitStack) -> Equipped:
    """Make workspaces, start servers, prepare tools. Everything is closed with `stack`.

    Raises `ConfigError`, `WorkspaceError` or `StorageError` before any agent starts.
    """
    files = await TeamFiles.prepare(
        needs.config,
        needs.loaded,
        needs.launch,
        steps=needs.steps,
        hint=needs.warn,
        of=needs.files_of,
        extra=needs.extra_paths,
    )
    stack.push_async_callback(files.finish)
    _remember(files, needs)
    await needs.earlier(files)
    around = ToolSurroundings(
        config=needs.config,
        loaded=needs.loaded,
        launch=needs.launch,
        stack=stack,
        warn=needs.warn,
        emit=lambda body, agent_id: needs.stream.emit(body, agent_id=agent_id),
        redact=needs.redact,
        log_directory=needs.log_directory,
    )
    parts = [
        ToolParts(agent=agent, around=around, work=files.agents.get(number), desk=_desk(files, number, needs))
        for number, agent in enumerate(needs.config.agents, 1)
    ]
    for part in parts:
        part.check()
    await _start_servers(parts, needs, stack)
    await _open(parts, needs, stack)
    kits = tuple(
        _kit(agent, number, around, files, part)
        for number, (agent, part) in enumerate(zip(needs.config.agents, parts, strict=True), 1)
    )
    for kit in kits:
        if kit.tools is not None:
            stack.push_async_callback(kit.tools.close)
    boxes = tuple(kit.tools for kit in kits if isinstance(kit.tools, Toolbox))
    return Equipped(kits=kits, files=files, toolboxes=boxes)


def _remember(files: TeamFiles, needs: EquipmentNeeds) -> None:
    """Records of rounds for agents to read, and memory files where they are wanted."""
    if not files.agents:
        return
    files.traces = RoundTraces([agent.id for agent in needs.config.agents], needs.redact)
    needs.stream.subscribe(files.traces)
    if memory_wanted(needs.config):
        files.memory = TeamMemory(
            run=files.run,
            agents={number: work.agent_id for number, work in files.agents.items()},
            archives=needs.session / "archived_memories",
            redact=needs.redact,
        )
        files.memory.prepare()
        names = ", ".join(files.memory.agents.values())
        log.info("memory directories are set up for %s (enable_memory_filesystem_mode)", names)


async def _start_servers(parts: Sequence[ToolParts], needs: EquipmentNeeds, stack: AsyncExitStack) -> None:
    """All servers of all agents begin to start together; the first round that needs them waits."""
    if not any(part.has_servers for part in parts):
        return
    from massgen.runs.server_places import ServerPlaces
    from massgen.tools.mcp import McpConnections

    places = stack.enter_context(ServerPlaces(warn=needs.warn))
    connections = await stack.enter_async_context(McpConnections(warn=needs.warn, questions=_questions(needs)))
    for part in parts:
        part.connections = connections
        part.start_servers(places)


def _questions(needs: EquipmentNeeds) -> Questions:
    """Whom servers ask: the person at the door, if there is one."""
    from massgen.runs.server_questions import ServerQuestions

    seconds = float(needs.config.orchestrator.coordination.broadcast_timeout)
    return ServerQuestions(needs.ask_human, needs.human_answers, seconds, needs.warn, needs.redact)


async def _open(parts: Sequence[ToolParts], needs: EquipmentNeeds, stack: AsyncExitStack) -> None:
    """What must be there before any model is called: containers, custom functions; then the boards of jobs."""
    if any(part.has_commands or part.has_external for part in parts):
        from massgen.runs.commands import CommandPlaces

        places = CommandPlaces(loaded=needs.loaded, launch=needs.launch, stack=stack, warn=needs.warn)
        async with asyncio.TaskGroup() as group:
            for part in parts:
                group.create_task(part.open(places))
    for part in parts:
        await part.open_jobs()


def _kit(agent: AgentConfig, number: int, around: ToolSurroundings, files: TeamFiles, part: ToolParts) -> Equipment:
    work = files.agents.get(number)
    tools = Toolbox(agent=agent, number=number, around=around, work=work, parts=part) if part.wanted else None
    notes = part.notes()
    if work is None:
        return Equipment(tools=tools, sections=notes, presentation_sections=notes)
    extra = (*_extra_sections(agent, around, files), *notes)
    document, consolidate = (CHANGEDOC, CHANGEDOC_FINAL) if files.changedocs else ("", "")
    return Equipment(
        tools=tools,
        files=work,
        desk=part.desk,
        sections=(places_text(work.notes("coordination")), *extra, document),
        presentation_sections=(places_text(work.notes("presentation")), *extra, consolidate),
    )


def _desk(files: TeamFiles, number: int, needs: EquipmentNeeds) -> NoteDesk | None:
    """Where an agent's notes are looked for when its conversation is to be cut (MEM-079)."""
    work = files.agents.get(number)
    return NoteDesk(read=work.recent_notes) if work is not None and notes_wanted(needs.config) else None


def places_text(notes: Sequence[PathNote]) -> str:
    """The places an agent may use, one a line (WS-027)."""
    lines = [f"- {note.path} ({note.access}): {_PURPOSES[note.purpose]}" for note in notes]
    return "Files:\n" + "\n".join(lines)


def _extra_sections(agent: AgentConfig, around: ToolSurroundings, files: TeamFiles) -> tuple[str, ...]:
    found: list[str] = []
    backend = agent.backend
    if backend.enable_mcp_command_line and backend.exclude_file_operation_mcps:
        from massgen.tools.files.toolset import COMMAND_REPLACEMENTS

        found.append(COMMAND_REPLACEMENTS)
    if backend.enable_mcp_command_line and (backend.enable_code_execution or backend.enable_code_interpreter):
        found.append(PROVIDER_CODE)
    contexts = [item.path for item in files.run.context_paths]
    if contexts:
        from massgen.workspace.instructions import find_instructions, instructions_text

        text = instructions_text(find_instructions(contexts, launch_directory=around.launch))
        if text:
            found.append(text)
    return tuple(found)
