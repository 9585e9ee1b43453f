"""Memory files of a running team: read for one reader, archived with each answer (MEM-090 to MEM-103)."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from massgen.coordination.memory_prompts import AgentMemories, ShownMemory, memory_section
from massgen.views.files import guarded, safe_name, write_atomic
from massgen.workspace.memory_files import (
    DIRECTORY,
    Archived,
    MemoryFile,
    archive,
    make_directories,
    read_archives,
    read_memories,
)
from massgen.workspace.run_workspaces import RunWorkspaces

_FOREIGN = "an earlier agent"


@dataclass(slots=True, kw_only=True)
class TeamMemory:
    """`agents` are real ids by number, `archives` is `archived_memories/` of the session.

    Long-term files are copied for each reader below its own view of the team, because the workspaces of others
    are closed to it.
    """

    run: RunWorkspaces
    agents: Mapping[int, str]
    archives: Path
    redact: Callable[[str], str]
    _copied: dict[Path, str] = field(default_factory=dict)

    def prepare(self) -> None:
        """The directories in every workspace; blocks."""
        for agent_id in self.agents.values():
            self.create(agent_id)

    def create(self, agent_id: str) -> None:
        """The directories in one workspace, after it was emptied or restored; blocks."""
        workspace = self.run.workspace(agent_id)
        if workspace is not None:
            guarded("the memory directories", lambda: make_directories(workspace))

    async def keep(self, agent_id: str) -> None:
        """An answer was accepted: archive the memories that its author has now."""
        workspace = self.run.workspace(agent_id)
        if workspace is not None:
            name = safe_name(agent_id)
            await asyncio.to_thread(
                guarded, "archived memories", lambda: archive(workspace, self.archives, name) and None
            )

    async def section(self, reader: str) -> str:
        """All memories as they are now, for the agent with the real id `reader`."""
        return await asyncio.to_thread(self._section, reader)

    def _section(self, reader: str) -> str:
        current: list[AgentMemories] = []
        files: dict[str, MemoryFile] = {}
        for number, agent_id in self.agents.items():
            workspace = self.run.workspace(agent_id)
            found = read_memories(workspace / DIRECTORY) if workspace is not None else ()
            shown = [self._shown(memory, reader) for memory in found]
            current.append(AgentMemories(agent=f"agent{number}", memories=shown))
            files |= {f"agent{number}/{memory.tier}/{memory.file}": memory for memory in found}
        kept = read_archives(self.archives)
        archived = [self._shown(item.memory, reader, self._origin(item)) for item in kept]
        files |= {f"archive/{item.memory.tier}/{item.memory.file}": item.memory for item in kept}
        return self.redact(memory_section(current, archived, place=self._copy(reader, files)))

    def _shown(self, memory: MemoryFile, reader: str, origin: str = "") -> ShownMemory:
        content = memory.content if memory.tier == "short_term" else ""
        return ShownMemory(
            file=memory.file,
            tier=memory.tier,
            description=self.run.rewrite_paths(memory.description, reader),
            content=self.run.rewrite_paths(content, reader),
            origin=origin,
        )

    def _origin(self, item: Archived) -> str:
        names = {safe_name(agent_id): f"agent{number}" for number, agent_id in self.agents.items()}
        return f"from {names.get(item.agent, _FOREIGN)} Answer {item.answer}"

    def _copy(self, reader: str, files: Mapping[str, MemoryFile]) -> str:
        """Long-term files where the reader may read them; the directory's path."""
        view = self.run.view_path(reader)
        if view is None:
            return ""
        place = view / DIRECTORY
        wanted = {
            place / name: self.redact(_anonymous(self.run.rewrite_paths(memory.text, reader)))
            for name, memory in files.items()
            if memory.tier == "long_term"
        }
        for path in [path for path in self._copied if path.is_relative_to(place) and path not in wanted]:
            if guarded("a memory file", lambda path=path: path.unlink(missing_ok=True)):
                del self._copied[path]
        for path, text in wanted.items():
            if self._copied.get(path) != text and guarded("a memory file", lambda p=path, t=text: _write(p, t)):
                self._copied[path] = text
        return str(place)


def _anonymous(text: str) -> str:
    """The file without an author's name in its frontmatter."""
    head, mark, rest = text.partition("\n---")
    return re.sub(r"(?m)^agent_id:.*\n?", "", head) + mark + rest


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomic(path, text)
