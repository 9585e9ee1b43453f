"""A git command that is given up leaves nothing that stops the next one."""

from __future__ import annotations

import asyncio
import contextlib
from pathlib import Path

import pytest

from massgen.workspace.git import git
from tests.needs import needs


async def give_up(tmp_path: Path) -> None:
    await git("init", "-q", "--bare", str(tmp_path))
    tree = (await git("mktree", git_dir=tmp_path)).decode().strip()
    commit = (await git("commit-tree", tree, "-m", "one", git_dir=tmp_path)).decode().strip()
    for tenths in range(150):
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(tenths / 10_000):
                await git("update-ref", "refs/heads/work", commit, git_dir=tmp_path)
        assert not list(tmp_path.rglob("*.lock"))
    await git("update-ref", "refs/heads/work", commit, git_dir=tmp_path)


@needs("git")
@pytest.mark.spec("WS-031")
def test_a_command_that_is_given_up_leaves_no_lock(tmp_path: Path):
    asyncio.run(give_up(tmp_path))
