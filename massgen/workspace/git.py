"""Running the git command without hooks, prompts, monitors, locks or the settings of the machine."""

from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

from massgen.errors import WorkspaceError

_SETTINGS = (
    ("core.hooksPath", "/dev/null"),
    ("core.fsmonitor", "false"),
    ("core.autocrlf", "false"),
    ("core.compression", "0"),
    ("core.quotePath", "false"),
    ("gc.auto", "0"),
    ("protocol.allow", "never"),
)
_KEPT = ("PATH", "HOME", "TMPDIR", "LANG", "XDG_CONFIG_HOME", "SYSTEMROOT")
_NEUTRAL = "agent"
_SECONDS = 600.0
_SECONDS_TO_FINISH = 1.0
"""Of a command whose result nobody wants any more."""
_SECONDS_TO_END = 5.0


class GitError(WorkspaceError):
    """A git command failed or git is missing; callers fall back to a plain copy."""


async def git(
    *arguments: str,
    git_dir: Path | None = None,
    work_tree: Path | None = None,
    index: Path | None = None,
    cwd: Path | None = None,
    data: bytes = b"",
    user_settings: bool = False,
    seconds: float = _SECONDS,
) -> bytes:
    """The standard output of one git command; `GitError` if it fails, or has not ended after ten minutes.

    With `user_settings` the person's global configuration counts (their ignore file); only for reading.
    """
    if shutil.which("git") is None:
        raise GitError("git is not installed.")
    command = ["git", *_options(), *arguments]
    environment = _environment(git_dir, work_tree, index, user_settings=user_settings)
    running = asyncio.create_task(_run(command, environment, cwd, data, seconds))
    try:
        return await asyncio.shield(running)
    except asyncio.CancelledError:
        # A git that is stopped in the middle can leave a lock file, on which every later command fails.
        await asyncio.wait([running], timeout=_SECONDS_TO_FINISH)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        raise


async def _run(
    command: Sequence[str], environment: Mapping[str, str], cwd: Path | None, data: bytes, seconds: float
) -> bytes:
    name = command[1 + len(_options())]
    try:
        process = await asyncio.create_subprocess_exec(
            *command,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env=environment,
            cwd=cwd,
        )
    except OSError as error:
        raise GitError(f"git could not be started: {error.strerror}") from error
    try:
        async with asyncio.timeout(seconds):
            output, errors = await process.communicate(data)
    except TimeoutError:
        raise GitError(f"git {name} did not end within {seconds:g} seconds.") from None
    finally:
        if process.returncode is None:
            process.terminate()
            await asyncio.shield(_end(process))
    if process.returncode != 0:
        raise GitError(f"git {name} failed: {errors.decode(errors='replace').strip()[:500]}")
    return output


async def _end(process: asyncio.subprocess.Process) -> None:
    """A git that is asked to end takes its lock files away; one that does not hear is killed."""
    try:
        async with asyncio.timeout(_SECONDS_TO_END):
            await process.wait()
    except TimeoutError:
        if process.returncode is None:
            process.kill()
        await process.wait()


def split_names(output: bytes) -> list[str]:
    """The names of a `-z` listing."""
    return [os.fsdecode(name) for name in output.split(b"\0") if name]


def _options() -> Sequence[str]:
    return [part for key, value in _SETTINGS for part in ("-c", f"{key}={value}")]


def _environment(
    git_dir: Path | None, work_tree: Path | None, index: Path | None, *, user_settings: bool
) -> Mapping[str, str]:
    environment = {name: os.environ[name] for name in _KEPT if name in os.environ}
    environment |= {"GIT_TERMINAL_PROMPT": "0", "GIT_OPTIONAL_LOCKS": "0", "LC_ALL": "C", "GIT_NO_REPLACE_OBJECTS": "1"}
    environment["GIT_NO_LAZY_FETCH"] = "1"
    for role in ("AUTHOR", "COMMITTER"):
        environment[f"GIT_{role}_NAME"] = _NEUTRAL
        environment[f"GIT_{role}_EMAIL"] = f"{_NEUTRAL}@localhost"
    if not user_settings:
        environment |= {"GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": os.devnull}
    places = {"GIT_DIR": git_dir, "GIT_WORK_TREE": work_tree, "GIT_INDEX_FILE": index}
    return environment | {name: str(place) for name, place in places.items() if place is not None}
