"""Memory files: Markdown with frontmatter in `memory/short_term/` and `memory/long_term/` (MEM-092, MEM-098, MEM-099).

Agents write them as they like, so everything here is untrusted: only plain files below the directory itself are
read, in bounded number and size, and no link is followed. All functions block for a few system calls.
"""

from __future__ import annotations

import errno
import os
import re
import stat
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Literal, get_args

from msgspec import Struct
from msgspec.structs import replace

from massgen.errors import WorkspaceError

Tier = Literal["short_term", "long_term"]
TIERS: tuple[Tier, ...] = get_args(Tier)
DIRECTORY = "memory"
MAX_BYTES = 64 * 1024
MAX_FILES = 100
MAX_DESCRIPTION = 300

_REQUIRED = ("name", "description", "created", "updated")
_NAME = re.compile(r"[\w][\w .+-]{0,99}\.md")
_OPEN = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


class MemoryFormatError(WorkspaceError):
    """The text is no memory file; the message says what is missing."""


class MemoryFile(Struct, frozen=True, kw_only=True):
    """One memory. `file` is its name with `.md`, `text` the whole file, `content` what follows the frontmatter,
    `modified` the time of the file in seconds since the epoch."""

    file: str
    tier: Tier
    name: str
    description: str
    content: str
    created: str = ""
    updated: str = ""
    agent_id: str = ""
    text: str = ""
    modified: float = 0.0


def parse_memory(text: str, *, file: str, tier: Tier) -> MemoryFile:
    """Read a memory; `tier` is that of its directory. Raises `MemoryFormatError`."""
    values, content = _frontmatter(text)
    missing = [key for key in _REQUIRED if not values.get(key)]
    if missing:
        raise MemoryFormatError(f"The frontmatter of {file} lacks {', '.join(missing)}.")
    stated = values.get("tier", tier)
    if stated not in TIERS:
        raise MemoryFormatError(f"The tier of {file} is neither short_term nor long_term.")
    return MemoryFile(
        file=file,
        tier="short_term" if stated == "short_term" else "long_term",
        name=values["name"],
        description=values["description"],
        content=content,
        created=values["created"],
        updated=values["updated"],
        agent_id=values.get("agent_id", ""),
        text=text,
    )


def _frontmatter(text: str) -> tuple[dict[str, str], str]:
    lines = text.lstrip("\ufeff").splitlines()
    if not lines or lines[0].strip() != "---":
        raise MemoryFormatError("A memory begins with frontmatter between lines of ---.")
    for number, line in enumerate(lines[1:], 1):
        if line.strip() == "---":
            return _values("\n".join(lines[1:number])), "\n".join(lines[number + 1 :]).strip("\n")
    raise MemoryFormatError("The frontmatter does not end.")


def _values(text: str) -> dict[str, str]:
    import yaml

    try:
        found = yaml.load(text[:8192], Loader=yaml.BaseLoader)
    except (yaml.YAMLError, RecursionError):
        raise MemoryFormatError("The frontmatter is no YAML.") from None
    if not isinstance(found, dict):
        raise MemoryFormatError("The frontmatter has no keys.")
    pairs = ((str(key), value) for key, value in found.items())
    return {key: " ".join(value.split())[:MAX_DESCRIPTION] for key, value in pairs if isinstance(value, str)}


def read_memories(root: Path) -> tuple[MemoryFile, ...]:
    """The memories below `root` (a `memory/` directory or an archive), by tier and name; nothing where it is missing.

    A file counts where it lies (MEM-093), and one without proper frontmatter counts too, under its file name.
    """
    found: list[MemoryFile] = []
    with suppress(OSError), _directory(root, None) as top:
        for tier in TIERS:
            with suppress(OSError), _directory(Path(tier), top) as place:
                found += _read_tier(place, tier)
    return tuple(found)


@contextmanager
def _directory(path: Path, parent: int | None) -> Iterator[int]:
    descriptor = os.open(path, _OPEN | os.O_DIRECTORY, dir_fd=parent)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _read_tier(place: int, tier: Tier) -> Iterator[MemoryFile]:
    names = sorted(name for name in os.listdir(place) if _NAME.fullmatch(name))
    for name in names[:MAX_FILES]:
        with suppress(OSError):
            descriptor = os.open(name, _OPEN, dir_fd=place)
            with os.fdopen(descriptor, "rb") as file:
                info = os.fstat(descriptor)
                if not stat.S_ISREG(info.st_mode) or info.st_nlink > 1:
                    continue
                text = file.read(MAX_BYTES).decode("utf-8", "replace")
            yield replace(_lenient(text, name, tier), tier=tier, modified=info.st_mtime)


def _lenient(text: str, file: str, tier: Tier) -> MemoryFile:
    try:
        return parse_memory(text, file=file, tier=tier)
    except MemoryFormatError:
        values, content = _whatever(text)
    first = next((line.strip("#- \t") for line in content.splitlines() if line.strip("#- \t")), "")
    described = values.get("description") or first[:MAX_DESCRIPTION]
    return MemoryFile(file=file, tier=tier, name=file[:-3], description=described, content=content, text=text)


def _whatever(text: str) -> tuple[dict[str, str], str]:
    try:
        return _frontmatter(text)
    except MemoryFormatError:
        return {}, text.strip("\n")


def make_directories(workspace: Path) -> None:
    """`memory/short_term/` and `memory/long_term/` in a workspace (MEM-090); whatever is in the way stays."""
    workspace.mkdir(parents=True, exist_ok=True)
    with _directory(workspace, None) as top:
        _make(DIRECTORY, top)
        with suppress(NotADirectoryError, FileNotFoundError), _no_link(), _directory(Path(DIRECTORY), top) as place:
            for tier in TIERS:
                _make(tier, place)


def _make(name: str, parent: int) -> None:
    with suppress(FileExistsError):
        os.mkdir(name, dir_fd=parent)


@contextmanager
def _no_link() -> Iterator[None]:
    """A link in the way stays, and is not followed."""
    try:
        yield
    except OSError as error:
        if error.errno != errno.ELOOP:
            raise


class Archived(Struct, frozen=True, kw_only=True):
    """A memory as it was at answer `answer` (from 0) of the agent whose directory name is `agent`."""

    agent: str
    answer: int
    memory: MemoryFile


def archive(workspace: Path, archives: Path, agent: str) -> Path:
    """Copy the memories of a workspace to `<archives>/<agent>_answer_<n>/`, n being the next number (MEM-098)."""
    memories = read_memories(workspace / DIRECTORY)
    number = max((found for name, found in _archives(archives) if name == agent), default=-1) + 1
    target = archives / f"{agent}_answer_{number}"
    for tier in TIERS:
        (target / tier).mkdir(parents=True, exist_ok=True)
    for memory in memories:
        path = target / memory.tier / memory.file
        path.write_text(memory.text, encoding="utf-8")
        os.utime(path, (memory.modified, memory.modified))
    return target


def _archives(archives: Path) -> Iterator[tuple[str, int]]:
    for path in sorted(archives.glob("*_answer_*")):
        agent, _, digits = path.name.rpartition("_answer_")
        if agent and digits.isascii() and digits.isdigit() and path.is_dir():
            yield agent, int(digits)


def read_archives(archives: Path) -> tuple[Archived, ...]:
    """All archived memories; of several files of one name only the newest (MEM-099, MEM-103)."""
    return newest(
        Archived(agent=agent, answer=number, memory=memory)
        for agent, number in _archives(archives)
        for memory in read_memories(archives / f"{agent}_answer_{number}")
    )


def newest(found: Iterable[Archived]) -> tuple[Archived, ...]:
    """One for each file name, by file time; of equal times the later answer."""
    latest: dict[str, Archived] = {}
    for item in found:
        known = latest.get(item.memory.file)
        key = (item.memory.modified, item.answer)
        if known is None or key >= (known.memory.modified, known.answer):
            latest[item.memory.file] = item
    return tuple(latest[name] for name in sorted(latest))
