"""The user's project as agents get it in an isolating `write_mode`: a base that every round starts from.

A base is a tree of the run's store: the user's files as they are, uncommitted and untracked ones included, ignored
and secret ones left out (S-04). Beside it lies a private bare repository that only this program writes; for a git
project it borrows the user's objects (alternates), so that agents see the history. The user's `.git` is read only.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import logging
import os
import secrets
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Literal

from msgspec import Struct

from massgen.workspace.context_paths import ContextPath
from massgen.workspace.git import GitError, git, split_names
from massgen.workspace.left_out import SECRET, tell_left_out
from massgen.workspace.notes import write_note
from massgen.workspace.objects import FILE, TreeEntry, storage_errors
from massgen.workspace.sensitive import is_git_name, is_secret_name
from massgen.workspace.store import Skip, Store, Tree, skip_nothing

log = logging.getLogger(__name__)

WriteMode = Literal["legacy", "auto", "worktree", "isolated"]
Kind = Literal["worktree", "shadow"]
SCRATCH = ".massgen_scratch"
PROJECT_CAP = 8 << 30
FILE_CAP = 100 << 20


class Project(Struct, frozen=True, kw_only=True):
    """One project of a run. `root` is the user's directory, `only` limits it to single files, `borrowed` are the
    user's object directories, `commit` is the base in the private repository `repository`."""

    name: str
    root: Path
    only: frozenset[str]
    kind: Kind
    base: Tree
    repository: Path
    commit: str
    borrowed: tuple[Path, ...] = ()

    @property
    def index(self) -> Path:
        """The index of the base commit."""
        return self.repository / "base.index"


class UserRepository(Struct, frozen=True, kw_only=True):
    """What was learnt from the user's repository: listed files, ids in its index, history to borrow."""

    files: frozenset[str]
    ids: Mapping[str, str]
    objects: tuple[Path, ...]
    head: str | None
    shallow: bytes = b""


def project_roots(contexts: Sequence[ContextPath]) -> list[tuple[Path, frozenset[str]]]:
    """The outermost writable context directories; a single file is its directory limited to it."""
    writable = [item.path for item in contexts if item.permission == "write"]
    roots = [
        path
        for path in writable
        if path.is_dir() and not any(path != other and path.is_relative_to(other) for other in writable)
    ]
    files: dict[Path, set[str]] = {}
    for path in writable:
        if not path.is_dir() and not any(path.is_relative_to(root) for root in roots):
            files.setdefault(path.parent, set()).add(path.name)
    return [(root, frozenset[str]()) for root in roots] + [(root, frozenset(names)) for root, names in files.items()]


def free_name(name: str, taken: set[str]) -> str:
    """`name`, numbered where it is taken."""
    free = name
    number = 2
    while free in taken:
        free = f"{name}-{number}"
        number += 1
    return free


async def open_project(
    root: Path, *, name: str, only: Iterable[str], mode: WriteMode, denied: tuple[Path, ...], store: Store, place: Path
) -> Project:
    """Freeze the project and make its private repository at `place`.

    `mode` "worktree" without a usable git repository logs an error and falls back to a shadow copy (WS-044).
    """
    limit = frozenset(only)
    user = None if limit else await _look(root)
    if user is None and mode == "worktree":
        log.error("write_mode 'worktree' needs a git repository with its top level at %s; using a shadow copy", root)
    kind: Kind = "worktree" if user is not None and mode != "isolated" else "shadow"
    if kind == "worktree" and user is not None and (hidden := _hidden(user, root, denied)):
        log.warning("The history of %s is not shared with agents, because it holds %s", root, hidden)
        kind = "shadow"
    base = await store.take(
        root,
        skip=_project_skip(root, user, limit, denied),
        size_cap=PROJECT_CAP,
        file_cap=None if limit else FILE_CAP,
        trusted=True,
    )
    tell_left_out(root, base)
    try:
        project = await _build(root, name, limit, kind, base, user, store, place)
    except GitError as error:
        if kind == "shadow":
            raise
        log.warning("The git repository of %s cannot be borrowed (%s); using a shadow copy", root, error.message)
        other = place.with_name(f"{place.name}-shadow")
        project = await _build(root, name, limit, "shadow", base, user, store, other)
    await asyncio.to_thread(_keep, project, place)
    return project


async def recall_project(root: Path, *, only: Iterable[str], store: Store, place: Path) -> Project | None:
    """The project that a run which died had opened at `place`, as it was then; None where there is none of `root`."""
    return await asyncio.to_thread(_recall, root, frozenset(only), store, place)


def _recall(root: Path, only: frozenset[str], store: Store, place: Path) -> Project | None:
    try:
        found = json.loads(_note(place).read_text(encoding="utf-8"))
        if found["root"] != str(root) or frozenset(found["only"]) != only:
            return None
        repository = place.with_name(found["repository"])
        if not store.objects.is_whole(found["base"]) or not (repository / "HEAD").is_file():
            return None
        # A git that died with its run may have left locks; nobody else uses this repository.
        for left in (*repository.glob("*.lock"), *(repository / "refs").rglob("*.lock")):
            left.unlink(missing_ok=True)
        return Project(
            name=found["name"],
            root=root,
            only=only,
            kind=found["kind"],
            base=store.describe(found["base"]),
            repository=repository,
            commit=found["commit"],
            borrowed=tuple(map(Path, found["borrowed"])),
        )
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _keep(project: Project, place: Path) -> None:
    """What `_recall` needs; written last, so that it stands for a project that is whole."""
    found = {
        "name": project.name,
        "root": str(project.root),
        "only": sorted(project.only),
        "kind": project.kind,
        "base": project.base.id,
        "repository": project.repository.name,
        "commit": project.commit,
        "borrowed": [str(path) for path in project.borrowed],
    }
    with storage_errors("a project copy"):
        write_note(_note(place), found)


def _note(place: Path) -> Path:
    return place.with_name(f"{place.name}.json")


async def commit_tree(project: Project, tree: Tree, store: Store) -> str:
    """Record `tree` as one commit on the base in the private repository; returns its id."""
    changes = await store.diff(project.base, tree)
    if not changes:
        return project.commit
    new = {change.path: change.new for change in changes if change.new is not None}
    ids = await _write_blobs(project.repository, store, new)
    index = project.repository / f"{secrets.token_hex(8)}.index"
    with storage_errors("a project copy"):
        await asyncio.to_thread(index.write_bytes, await asyncio.to_thread(project.index.read_bytes))
    lines = [
        b"0 %s\t%s\0" % (b"0" * 40, os.fsencode(change.path))
        for change in changes
        if change.new is None or change.old is None or change.old.mode != change.new.mode
    ]
    lines += [_index_line(entry, ids[path], path) for path, entry in new.items()]
    try:
        await git("update-index", "-z", "--index-info", git_dir=project.repository, index=index, data=b"".join(lines))
        written = (await git("write-tree", git_dir=project.repository, index=index)).decode().strip()
    finally:
        index.unlink(missing_ok=True)
    arguments = ("commit-tree", written, "-p", project.commit, "-m", "Work of a round")
    return (await git(*arguments, git_dir=project.repository)).decode().strip()


async def ignored_names(project: Project, checkout: Path, *, seconds: float = 30.0) -> frozenset[str]:
    """What the ignore files of a checkout exclude; directories without a final `/`.

    An agent can keep git from ending (a pipe in the place of an ignore file); then nothing counts as ignored.
    """
    try:
        listing = await git(
            *("ls-files", "-o", "-i", "--exclude-standard", "--directory", "-z"),
            git_dir=project.repository,
            work_tree=checkout,
            index=project.index,
            cwd=checkout,
            seconds=seconds,
        )
    except GitError as error:
        log.warning("The ignore files of a project copy do not count: %s", error.message)
        return frozenset()
    return frozenset(name.rstrip("/") for name in split_names(listing))


def checkout_skip(ignored: frozenset[str], own: frozenset[str]) -> Skip:
    """What the state of a checkout leaves out: git's files, scratch space, ignored files, secrets, and caches but the
    project's `own`."""

    def skip(path: str, is_directory: bool) -> str | None:
        name = path.rpartition("/")[2]
        if path == SCRATCH or is_git_name(name) or is_secret_name(name) or path in ignored:
            return ""
        return None if path in own else skip_nothing(path, is_directory)

    return skip


async def _look(root: Path) -> UserRepository | None:
    """The user's repository if `root` is its top level and git can read it, else None."""
    try:
        answer = await git("rev-parse", "--show-toplevel", "--git-path", "objects", "--git-path", "shallow", cwd=root)
        top, objects, shallow = answer.decode().splitlines()
        if Path(os.path.realpath(top)) != root:
            return None
        form = (await git("rev-parse", "--show-object-format", cwd=root)).decode().strip()
        listed = await git("ls-files", "-c", "-o", "--exclude-standard", "-z", cwd=root, user_settings=True)
        staged = await git("ls-files", "-s", "-z", cwd=root)
        head = await _head(root)
    except (GitError, ValueError) as error:
        if os.path.lexists(root / ".git"):
            log.warning("The git repository of %s cannot be read: %s", root, error)
        return None
    ids = dict(_staged(staged))
    shallow_file = root / shallow
    return UserRepository(
        files=frozenset(split_names(listed)),
        ids=ids,
        objects=(Path(os.path.realpath(root / objects)),) if form == "sha1" else (),
        head=head,
        shallow=shallow_file.read_bytes() if shallow_file.is_file() else b"",
    )


async def _head(root: Path) -> str | None:
    try:
        return (await git("rev-parse", "--verify", "-q", "HEAD^{commit}", cwd=root)).decode().strip()
    except GitError:
        return None


def _staged(listing: bytes) -> Iterable[tuple[str, str]]:
    for line in split_names(listing):
        facts, _, path = line.partition("\t")
        _, blob, stage = facts.split(" ")
        if stage == "0":
            yield path, blob


def _hidden(user: UserRepository, root: Path, denied: tuple[Path, ...]) -> str | None:
    """A committed file that agents must not see, or a reason why objects cannot be shared."""
    if not user.objects:
        return "objects of another format"
    for path in user.ids:
        if any(is_secret_name(part) for part in path.split("/")) or _is_denied(root / path, denied):
            return path
    return None


def _is_denied(path: Path, denied: tuple[Path, ...]) -> bool:
    return any(path.is_relative_to(place) for place in denied)


def _project_skip(root: Path, user: UserRepository | None, only: frozenset[str], denied: tuple[Path, ...]) -> Skip:
    files = only or (user.files if user else None)
    folders = {parent for name in files or () if not name.endswith("/") for parent in _parents(name)}
    inside = tuple(place for place in denied if place.is_relative_to(root))

    def skip(path: str, is_directory: bool) -> str | None:
        name = path.rpartition("/")[2]
        if is_git_name(name) or path == SCRATCH:
            return ""
        if is_secret_name(name) or _is_denied(root / path, inside):
            return SECRET
        if files is None:
            return skip_nothing(path, is_directory)
        if is_directory:
            nested = path in files or f"{path}/" in files
            return None if path in folders else ("nested repository" if nested else "")
        return None if path in files else ""

    return skip


def _parents(name: str) -> list[str]:
    parts = name.split("/")[:-1]
    return ["/".join(parts[:end]) for end in range(1, len(parts) + 1)]


async def _build(
    root: Path,
    name: str,
    only: frozenset[str],
    kind: Kind,
    base: Tree,
    user: UserRepository | None,
    store: Store,
    place: Path,
) -> Project:
    with storage_errors("a project copy"):
        place.mkdir(parents=True, exist_ok=True)
    await git("init", "-q", "--bare", "--template=", str(place))
    borrowed = user.objects if user is not None and kind == "worktree" else ()
    with storage_errors("a project copy"):
        (place / "objects" / "info").mkdir(exist_ok=True)
        if borrowed:
            (place / "objects" / "info" / "alternates").write_text("".join(f"{path}\n" for path in borrowed))
        if borrowed and user is not None and user.shallow:
            (place / "shallow").write_bytes(user.shallow)
    entries = store.entries(base)
    known = user.ids if user is not None and borrowed else {}
    ids = await _write_blobs(place, store, entries, known)
    lines = b"".join(_index_line(entry, ids[path], path) for path, entry in entries.items())
    index = place / "base.index"
    await git("update-index", "-z", "--index-info", git_dir=place, index=index, data=lines)
    tree = (await git("write-tree", git_dir=place, index=index)).decode().strip()
    parent = user.head if user is not None and borrowed else None
    commit = await _base_commit(place, tree, parent)
    return Project(
        name=name,
        root=root,
        only=only,
        kind=kind,
        base=base,
        repository=place,
        commit=commit,
        borrowed=borrowed,
    )


async def _base_commit(place: Path, tree: str, parent: str | None) -> str:
    if parent is not None:
        same = (await git("rev-parse", f"{parent}^{{tree}}", git_dir=place)).decode().strip()
        if same == tree:
            return parent
    arguments = ["commit-tree", tree, "-m", "State at the start", *(("-p", parent) if parent else ())]
    return (await git(*arguments, git_dir=place)).decode().strip()


async def _write_blobs(
    place: Path, store: Store, entries: Mapping[str, TreeEntry], known: Mapping[str, str] | None = None
) -> dict[str, str]:
    """Git's ids of the files, written into the private repository unless the user's objects have them."""
    ids = await asyncio.to_thread(_shared_ids, store, entries, known or {})
    missing = {path: str(store.objects.blob_path(entry.id)) for path, entry in entries.items() if path not in ids}
    if missing:
        listing = "".join(f"{file}\n" for file in missing.values()).encode()
        written = await git("hash-object", "-w", "--no-filters", "--stdin-paths", git_dir=place, data=listing)
        ids.update(zip(missing, written.decode().split(), strict=True))
    return ids


def _shared_ids(store: Store, entries: Mapping[str, TreeEntry], known: Mapping[str, str]) -> dict[str, str]:
    """The files whose content is the one in the user's index; compared by content, so that no filter runs."""
    ids: dict[str, str] = {}
    for path, entry in entries.items():
        expected = known.get(path)
        if expected is None:
            continue
        content = store.objects.read(entry.id)
        if hashlib.sha1(b"blob %d\0%s" % (len(content), content), usedforsecurity=False).hexdigest() == expected:
            ids[path] = expected
    return ids


def _index_line(entry: TreeEntry, blob: str, path: str) -> bytes:
    mode = entry.mode if entry.mode in (0o100755, 0o120000) else FILE
    return b"%o %s\t%s\0" % (mode, blob.encode(), os.fsencode(path))
