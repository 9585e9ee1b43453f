"""The policy beside a plain model of it, over random trees, grants, phases and operations."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from massgen.workspace import Grants, PathRefused, beneath
from massgen.workspace.policy import AgentPathPolicy

NAMES = ("a", "b", ".git", ".env", "link")
parts = st.lists(st.sampled_from(NAMES), min_size=0, max_size=4).map(tuple)
trees = st.lists(parts, max_size=3)


@dataclass(frozen=True)
class World:
    writable: list[tuple[str, ...]]
    readable: list[tuple[str, ...]]
    protected: list[tuple[str, ...]]
    denied: list[tuple[str, ...]]
    files: list[tuple[str, ...]]
    link_target: tuple[str, ...]


worlds = st.builds(
    World,
    writable=trees,
    readable=trees,
    protected=trees,
    denied=trees,
    files=st.lists(parts.filter(bool), max_size=6),
    link_target=parts,
)


def starts(path: tuple[str, ...], tree: tuple[str, ...]) -> bool:
    return path[: len(tree)] == tree


def model_allows(world: World, path: tuple[str, ...], access: str) -> bool:
    """The rule in words: deepest tree decides, denied wins ties, protections add up, secret names and git stay."""
    granted = [tree for tree in (*world.writable, *world.readable) if starts(path, tree)]
    if not granted:
        return False
    root = max(granted, key=len)
    denied = [tree for tree in world.denied if starts(path, tree)]
    if denied and len(max(denied, key=len)) >= len(root):
        return False
    below = path[len(root) :]
    if ".env" in below:
        return False
    if access == "read":
        return True
    protected = any(starts(path, tree) for tree in world.protected)
    return root in world.writable and not protected and ".git" not in below


def build(base: Path, world: World) -> AgentPathPolicy:
    for file in world.files:
        place = base.joinpath(*file)
        try:
            place.parent.mkdir(parents=True, exist_ok=True)
            if not place.exists():
                place.write_text("old")
        except (FileExistsError, NotADirectoryError):
            continue

    def absolute(found: list[tuple[str, ...]]) -> tuple[Path, ...]:
        return tuple(base.joinpath(*tree) for tree in found)

    grants = Grants(
        writable=absolute(world.writable),
        readable=absolute(world.readable),
        protected=absolute(world.protected),
        denied=absolute(world.denied),
    )
    return AgentPathPolicy(workspace=base, grants=grants)


@settings(max_examples=300, deadline=None)
@given(world=worlds, path=parts, access=st.sampled_from(["read", "write"]))
def test_the_policy_agrees_with_its_model(world: World, path: tuple[str, ...], access: str) -> None:
    base = Path(os.path.realpath(tempfile.mkdtemp()))
    try:
        policy = build(base, world)
        assert policy.allows(base.joinpath(*path), "write" if access == "write" else "read") == model_allows(
            world, path, access
        )
    finally:
        shutil.rmtree(base)


@settings(max_examples=200, deadline=None)
@given(
    world=worlds,
    path=parts.filter(bool),
    other=parts.filter(bool),
    operation=st.sampled_from(["replace", "remove", "rename", "mkdir", "open"]),
)
def test_no_operation_changes_what_the_model_forbids(
    world: World, path: tuple[str, ...], other: tuple[str, ...], operation: str
) -> None:
    base = Path(os.path.realpath(tempfile.mkdtemp()))
    try:
        policy = build(base, world)
        link = base / "link"
        if not os.path.lexists(link):
            link.symlink_to(base.joinpath(*world.link_target))
        before = snapshot(base)
        with contextlib.suppress(PathRefused, OSError):
            run(policy, operation, "/".join(path), "/".join(other))
        after = snapshot(base)
        changed = {file for file in before.keys() | after.keys() if before.get(file) != after.get(file)}
        assert all(model_allows(world, file, "write") for file in changed)
    finally:
        shutil.rmtree(base)


def run(policy: AgentPathPolicy, operation: str, path: str, other: str) -> None:
    if operation == "replace":
        beneath.replace_file(policy, path, b"new")
    elif operation == "remove":
        beneath.remove(policy, path, recursive=True)
    elif operation == "rename":
        beneath.rename(policy, path, other, overwrite=True)
    elif operation == "mkdir":
        beneath.make_directory(policy, path)
    else:
        os.close(beneath.open_file(policy, path, "write", create=True, truncate=True))


def snapshot(base: Path) -> dict[tuple[str, ...], bytes]:
    """Every name below `base` by its real place; directories count by existence."""
    found: dict[tuple[str, ...], bytes] = {}
    for here, folders, files in os.walk(base):
        for name in (*folders, *files):
            path = Path(here, name)
            key = path.relative_to(base).parts
            if path.is_symlink():
                found[key] = os.fsencode(os.readlink(path))
            else:
                found[key] = path.read_bytes() if path.is_file() else b"directory"
    return found
