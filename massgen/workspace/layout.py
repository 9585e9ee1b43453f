"""Where a run keeps its workspaces, and which names are taken by another live run (WS-001 to WS-007, AUTO-063).

A live run holds a lock on its own file below `.massgen/live/`; the lock vanishes with the process, however it
ends. Nothing is created before `claim`.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import re
import secrets
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from msgspec import Struct

from massgen import paths
from massgen.errors import WorkspaceError
from massgen.events.codec import run_logs
from massgen.locks import lock, try_lock
from massgen.workspace.objects import storage_errors
from massgen.workspace.removal import remove_path

log = logging.getLogger(__name__)

DEFAULT_WORKSPACE = "workspace"
STORE_DIRECTORY = "store"
LIVE_DIRECTORY = "live"
WORKTREES = ".worktree"
KEPT_DAYS = 7


class Layout(Struct, frozen=True, kw_only=True):
    """The directories of one run, absolute; `instance` is 8 hex digits."""

    base: Path
    instance: str
    snapshots: Path
    temp: Path

    @property
    def state(self) -> Path:
        """`.massgen`."""
        return paths.state_directory(self.base)

    @property
    def workspaces(self) -> Path:
        """`.massgen/workspaces`."""
        return self.state / paths.WORKSPACES_DIR

    @property
    def store(self) -> Path:
        """Frozen contents, project copies and undo data of this run."""
        return self.state / STORE_DIRECTORY / self.instance


@dataclass(slots=True, kw_only=True)
class Claim:
    """The proof that a run is alive; `release` gives it up."""

    layout: Layout
    _file: Path
    _descriptor: int

    def release(self) -> None:
        """Let others know that the run is over."""
        with contextlib.suppress(OSError):
            self._file.unlink(missing_ok=True)
        with contextlib.suppress(OSError):
            os.close(self._descriptor)


def new_instance() -> str:
    """A random instance id (AUTO-061)."""
    return secrets.token_hex(4)


def storage_path(value: str, base: Path) -> Path:
    """Where a configured storage name lies: below `.massgen`, not prefixed twice, absolute as given (WS-007)."""
    plain = value.strip().removeprefix("./").rstrip("/")
    expanded = os.path.expanduser(plain)
    if os.path.isabs(expanded):
        return Path(os.path.normpath(expanded))
    if plain == paths.STATE_DIR or plain.startswith(f"{paths.STATE_DIR}/"):
        plain = plain[len(paths.STATE_DIR) + 1 :]
    parts = Path(os.path.normpath(plain or ".")).parts
    if not parts or parts[0] in ("..", "."):
        raise WorkspaceError(f"'{value}' is not a usable storage directory.", hint="Use a plain name.")
    return paths.state_directory(base).joinpath(*parts)


def workspace_path(cwd: str | None, base: Path) -> Path:
    """A new, unused path for an agent's workspace with a random suffix (WS-002, WS-004); nothing is created."""
    name = (cwd or DEFAULT_WORKSPACE).strip().rstrip("/")
    if name in ("", ".", "./"):
        name = DEFAULT_WORKSPACE
    if os.path.isabs(os.path.expanduser(name)):
        plain = Path(os.path.normpath(os.path.expanduser(name)))
    elif name.startswith(f"{paths.STATE_DIR}/"):
        plain = storage_path(name, base)
    else:
        plain = storage_path(f"{paths.WORKSPACES_DIR}/{name}", base)
        if not plain.is_relative_to(paths.state_directory(base) / paths.WORKSPACES_DIR):
            raise WorkspaceError(f"cwd '{cwd}' leaves the directory of workspaces.", hint="Use a plain name.")
    while True:
        path = plain.with_name(f"{plain.name}_{secrets.token_hex(4)}")
        if not path.exists():
            return path


def safe_names(identifiers: list[str]) -> dict[str, str]:
    """A file name for each agent id, the id itself where it is one; all different."""
    names: dict[str, str] = {}
    for identifier in identifiers:
        plain = re.sub(r"[^\w.-]", "_", identifier).lstrip(".")[:100] or "agent"
        name = plain
        number = 2
        while name in names.values():
            name = f"{plain}_{number}"
            number += 1
        names[identifier] = name
    return names


def claim(base: Path, *, instance: str, snapshots: str, temp: str, log_dir: Path | None = None) -> Claim:
    """Register a live run, choose its directories, and remove what dead runs left behind; blocks.

    A second live run that wants the same directory gets `<name>_<instance>`. The leftovers of `instance` itself
    (a run that is resumed) are kept, and those of a run that can still be gone on with by its `log_dir`. Raises
    `StorageError` on a read-only or full disk.
    """
    real_base = Path(os.path.realpath(base))
    live = paths.state_directory(real_base) / LIVE_DIRECTORY
    with storage_errors("the run's directory"):
        live.mkdir(parents=True, exist_ok=True)
        with _gate(live):
            taken = set(_taken_and_swept(live, instance))
            layout = Layout(
                base=real_base,
                instance=instance,
                snapshots=_free(storage_path(snapshots, real_base), instance, taken),
                temp=_free(storage_path(temp, real_base), instance, taken),
            )
            file = live / f"{instance}.json"
            descriptor = os.open(file, os.O_RDWR | os.O_CREAT | os.O_TRUNC | getattr(os, "O_CLOEXEC", 0), 0o600)
            if not try_lock(descriptor):
                os.close(descriptor)
                raise WorkspaceError(f"A run with the instance id {instance} is still alive.")
            claimed = [str(layout.snapshots), str(layout.temp)]
            cleanup = [str(layout.store)]
            cleanup += [path for path in claimed if path.endswith(f"_{instance}")]
            log = [str(log_dir)] if log_dir is not None else []
            record = {"pid": os.getpid(), "claimed": claimed, "cleanup": cleanup, "log": log}
            os.write(descriptor, json.dumps(record).encode())
    return Claim(layout=layout, _file=file, _descriptor=descriptor)


def note_cleanup(claimed: Claim, directories: list[Path]) -> None:
    """Add directories that the next start removes if this run dies (worktrees, WS-042); blocks."""
    with storage_errors("the run's directory"):
        record = json.loads(claimed._file.read_text())
        record["cleanup"] = sorted({*record["cleanup"], *map(str, directories)})
        content = json.dumps(record).encode()
        os.lseek(claimed._descriptor, 0, os.SEEK_SET)
        os.write(claimed._descriptor, content)
        os.ftruncate(claimed._descriptor, len(content))


def _taken_and_swept(live: Path, own: str) -> Iterator[str]:
    for file in live.glob("*.json"):
        try:
            descriptor = os.open(file, os.O_RDWR)
        except OSError:
            continue
        try:
            record = _record(descriptor)
            if not try_lock(descriptor):
                yield from record.get("claimed", [])
            elif file.stem != own and not _can_be_resumed(record):
                for stale in record.get("cleanup", []):
                    log.info("Removing what a run that died left behind: %s", stale)
                    _sweep(Path(stale), live.parent)
                file.unlink(missing_ok=True)
        finally:
            os.close(descriptor)


def _can_be_resumed(record: dict[str, list[str]]) -> bool:
    """Whether the end of a dead run is not in its log, and it died in the last days."""
    logs = [path for directory in record.get("log", []) for path in run_logs(Path(directory))]
    try:
        with open(logs[-1], "rb") as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(max(0, size - 65536))
            ended = b'"event_type":"session_end"' in file.read()
            age = time.time() - os.fstat(file.fileno()).st_mtime
    except (OSError, IndexError):
        return False
    return not ended and age < KEPT_DAYS * 86400


def _sweep(stale: Path, state: Path) -> None:
    """Remove a leftover, but never anything that could be the user's."""
    if stale == state or not (stale.is_relative_to(state) or stale.name in (WORKTREES, *_suffixed(stale))):
        return
    try:
        remove_path(stale)
    except OSError as error:
        log.warning("Could not remove %s: %s", stale, error.strerror)


def _suffixed(path: Path) -> tuple[str, ...]:
    """The name of a directory that a second live run was given outside of `.massgen`."""
    return (path.name,) if re.search(r"_[0-9a-f]{8}$", path.name) else ()


def _record(descriptor: int) -> dict[str, list[str]]:
    try:
        found = json.loads(os.pread(descriptor, 1 << 20, 0))
    except ValueError:
        return {}
    if not isinstance(found, dict):
        return {}
    return {key: [str(item) for item in value] for key, value in found.items() if isinstance(value, list)}


def _free(path: Path, instance: str, taken: set[str]) -> Path:
    return path.with_name(f"{path.name}_{instance}") if str(path) in taken else path



@contextlib.contextmanager
def _gate(live: Path) -> Iterator[None]:
    """One run at a time looks at the claims of the others."""
    descriptor = os.open(live / "gate", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        lock(descriptor)
        yield
    finally:
        os.close(descriptor)


def link_latest(workspace: Path) -> None:
    """Keep `<name>` as a link to the newest `<name>_<suffix>`, so that documented paths open (S-01)."""
    link = workspace.with_name(workspace.name.rpartition("_")[0])
    if link.is_symlink():
        link.unlink()
    if not link.name or os.path.lexists(link):
        return
    with contextlib.suppress(OSError):
        link.symlink_to(workspace.name)


def sweep_views(layout: Layout, names: list[str]) -> None:
    """Remove what an earlier run showed: the agents' views and snapshots, and its earlier turns; blocks."""
    for name in names:
        remove_path(layout.temp / name)
        remove_path(layout.snapshots / name)
    if layout.temp.is_dir():
        for turn in layout.temp.glob("turn_*"):
            remove_path(turn)


def remove_if_empty(directory: Path) -> None:
    """Remove a directory that holds nothing; blocks."""
    with contextlib.suppress(OSError):
        directory.rmdir()
