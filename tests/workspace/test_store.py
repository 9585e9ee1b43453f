"""Freezing, showing, comparing and restoring directories."""

from __future__ import annotations

import asyncio
import hashlib
import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from massgen.errors import StorageError
from massgen.workspace import Store, Tree
from tests.needs import needs
from tests.workspace.place import contents, git, git_project, write


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    place = tmp_path / "workspace"
    write(place / "src/app.py", "one\n")
    write(place / "notes.txt", "notes\n")
    return place


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "store")


def take(store: Store, place: Path) -> Tree:
    return asyncio.run(store.take(place))


def show(store: Store, tree: Tree, place: Path, *, links: bool = True) -> dict[str, bytes]:
    asyncio.run(store.materialise(tree, place, links=links))
    return contents(place)


def reasons(tree: Tree) -> dict[str, str]:
    return {omission.path: omission.reason for omission in tree.omitted}


@pytest.mark.spec("COORD-040")
@pytest.mark.parametrize("links", [True, False])
def test_a_view_keeps_the_frozen_state_when_the_workspace_changes(
    store: Store, workspace: Path, tmp_path: Path, links: bool
) -> None:
    tree = take(store, workspace)
    frozen = show(store, tree, tmp_path / "view", links=links)
    with open(workspace / "src/app.py", "a") as stream:
        stream.write("two\n")
    (workspace / "notes.txt").unlink()
    assert contents(tmp_path / "view") == frozen == {"src/app.py": b"one\n", "notes.txt": b"notes\n"}


def test_all_views_of_one_content_are_one_file(store: Store, workspace: Path, tmp_path: Path) -> None:
    tree = take(store, workspace)
    for name in ("first", "second"):
        show(store, tree, tmp_path / name)
    assert os.path.samefile(tmp_path / "first/notes.txt", tmp_path / "second/notes.txt")
    assert (tmp_path / "first/notes.txt").stat().st_mode & 0o222 == 0


def test_without_links_every_view_has_files_of_its_own(store: Store, workspace: Path, tmp_path: Path) -> None:
    tree = take(store, workspace)
    for name in ("first", "second"):
        show(store, tree, tmp_path / name, links=False)
    assert (tmp_path / "first/notes.txt").stat().st_nlink == 1


@pytest.mark.spec("WS-018")
def test_an_earlier_state_is_restored_writable(store: Store, workspace: Path) -> None:
    (workspace / "run.sh").write_text("#!/bin/sh\n")
    (workspace / "run.sh").chmod(0o755)
    before = contents(workspace)
    first = take(store, workspace)
    write(workspace / "src/app.py", "two\n")
    write(workspace / "more.txt")
    asyncio.run(store.restore(first, workspace))
    assert contents(workspace) == before
    assert os.access(workspace / "run.sh", os.X_OK)
    write(workspace / "src/app.py", "three\n")
    asyncio.run(store.restore(first, workspace))
    assert contents(workspace) == before


def test_the_same_content_is_the_same_tree(store: Store, workspace: Path, tmp_path: Path) -> None:
    tree = take(store, workspace)
    asyncio.run(store.restore(tree, tmp_path / "copy"))
    assert take(store, tmp_path / "copy").id == tree.id


def test_a_change_of_the_same_size_at_once_is_seen(store: Store, workspace: Path) -> None:
    first = take(store, workspace)
    write(workspace / "notes.txt", "other\n")
    assert take(store, workspace).id != first.id


def test_the_difference_of_two_trees_names_each_file(store: Store, workspace: Path) -> None:
    first = take(store, workspace)
    write(workspace / "src/app.py", "two\n")
    write(workspace / "new/deep.txt")
    (workspace / "notes.txt").unlink()
    changes = asyncio.run(store.diff(first, take(store, workspace)))
    assert [(change.kind, change.path) for change in changes] == [
        ("added", "new/deep.txt"),
        ("deleted", "notes.txt"),
        ("modified", "src/app.py"),
    ]


def test_a_directory_that_became_a_file_is_two_changes(store: Store, workspace: Path) -> None:
    first = take(store, workspace)
    (workspace / "src/app.py").unlink()
    (workspace / "src").rmdir()
    write(workspace / "src", "a file now")
    changes = asyncio.run(store.diff(first, take(store, workspace)))
    assert {(change.kind, change.path) for change in changes} == {("added", "src"), ("deleted", "src/app.py")}


def test_empty_directories_are_kept(store: Store, workspace: Path, tmp_path: Path) -> None:
    (workspace / "empty/inner").mkdir(parents=True)
    show(store, take(store, workspace), tmp_path / "view")
    assert (tmp_path / "view/empty/inner").is_dir()


@pytest.mark.spec("WS-029")
def test_what_is_no_file_is_skipped_and_told(store: Store, workspace: Path, tmp_path: Path) -> None:
    os.mkfifo(workspace / "pipe")
    (workspace / "broken").symlink_to("nowhere")
    tree = take(store, workspace)
    assert reasons(tree) == {"pipe": "neither file, directory nor link", "broken": "broken link"}
    assert set(show(store, tree, tmp_path / "view")) == {"src/app.py", "notes.txt"}


@pytest.fixture
def public() -> Iterator[Path]:
    """A directory that every user may enter and fill: those of pytest are closed to others."""
    with tempfile.TemporaryDirectory() as place:
        Path(place).chmod(0o777)
        yield Path(place).resolve()


@pytest.mark.spec("WS-029")
def test_unreadable_files_are_skipped_and_told(public: Path) -> None:
    workspace = public / "workspace"
    write(workspace / "src/app.py")
    write(workspace / "notes.txt")
    write(workspace / "locked.txt").chmod(0)
    (workspace / "closed").mkdir(mode=0)
    write(public / "few/file")
    script = (
        "import asyncio, os, sys; from pathlib import Path; from massgen.workspace import Store\n"
        "asyncio.run(Store(Path(sys.argv[1], 'warm')).take(Path(sys.argv[1], 'few')))\n"
        "if os.geteuid() == 0: os.setgid(65534); os.setuid(65534)\n"
        "tree = asyncio.run(Store(Path(sys.argv[1], 'store')).take(Path(sys.argv[1], 'workspace')))\n"
        "print(tree.files, sorted(omission.path for omission in tree.omitted))"
    )
    command = [sys.executable, "-c", script, str(public)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    (workspace / "closed").chmod(0o700)
    assert done.stdout.strip() == "2 ['closed', 'locked.txt']", done.stderr


@pytest.mark.parametrize("target", ["/etc/passwd", "../outside", "inner"])
def test_links_that_leave_the_workspace_are_dropped(store: Store, workspace: Path, tmp_path: Path, target: str) -> None:
    write(tmp_path / "outside")
    (workspace / "inner").symlink_to("../outside")
    (workspace / "link").symlink_to(target)
    tree = take(store, workspace)
    assert reasons(tree)["link"] == "link that leaves the workspace"
    assert "link" not in show(store, tree, tmp_path / "view")


def test_an_absolute_link_within_is_kept_without_the_path_of_the_workspace(
    store: Store, workspace: Path, tmp_path: Path
) -> None:
    (workspace / "link").symlink_to(workspace / "src/app.py")
    view = show(store, take(store, workspace), tmp_path / "view")
    assert view["link"] == b"src/app.py"
    assert (tmp_path / "view/link").read_text() == "one\n"


def test_a_hard_link_to_a_file_outside_is_dropped(store: Store, workspace: Path, tmp_path: Path) -> None:
    os.link(write(tmp_path / "secret", "secret"), workspace / "mine")
    os.link(workspace / "notes.txt", workspace / "again.txt")
    tree = take(store, workspace)
    assert reasons(tree) == {"mine": "hard link to a file outside"}
    assert set(show(store, tree, tmp_path / "view")) == {"src/app.py", "notes.txt", "again.txt"}


def test_caches_and_environments_are_left_out(store: Store, workspace: Path, tmp_path: Path) -> None:
    write(workspace / "node_modules/x/index.js")
    write(workspace / "src/__pycache__/app.pyc")
    write(workspace / "env/pyvenv.cfg")
    write(workspace / "servers/framework.py")
    tree = take(store, workspace)
    assert set(show(store, tree, tmp_path / "view")) == {"src/app.py", "notes.txt"}
    assert set(reasons(tree)) == {"node_modules", "src/__pycache__", "env"}


def test_files_above_the_size_cap_are_left_out_and_told(workspace: Path, tmp_path: Path) -> None:
    write(workspace / "big.bin", "x" * 1000)
    tree = take(Store(tmp_path / "store", size_cap=500), workspace)
    assert reasons(tree) == {"big.bin": "snapshot would exceed 500 bytes"}


@needs("git")
def test_a_nested_repository_is_an_archive_in_views_and_whole_when_restored(
    store: Store, workspace: Path, tmp_path: Path
) -> None:
    git_project(workspace / "repo")
    tree = take(store, workspace)
    view = show(store, tree, tmp_path / "view")
    assert "repo/.git.tar" in view
    assert not any("/.git/" in path for path in view)
    asyncio.run(store.restore(tree, tmp_path / "copy"))
    assert git(tmp_path / "copy/repo", "status", "--porcelain") == ""
    assert "first" in git(tmp_path / "copy/repo", "log", "--oneline")


def test_deep_nesting_is_cut_and_told(store: Store, workspace: Path) -> None:
    deep = workspace.joinpath(*["d"] * 150)
    deep.mkdir(parents=True)
    assert "nested too deeply" in reasons(take(store, workspace)).values()


def test_files_that_come_and_go_while_they_are_read_break_nothing(store: Store, workspace: Path) -> None:
    stop = threading.Event()

    def churn() -> None:
        while not stop.is_set():
            for number in range(50):
                write(workspace / f"temp/{number}", str(number))
            for number in range(50):
                (workspace / f"temp/{number}").unlink()

    thread = threading.Thread(target=churn)
    thread.start()
    try:
        trees = [take(store, workspace) for _ in range(20)]
    finally:
        stop.set()
        thread.join()
    assert all("notes.txt" in store.entries(tree) for tree in trees)


def test_a_disk_that_takes_no_more_is_a_storage_error(workspace: Path, tmp_path: Path) -> None:
    write(workspace / "large.bin", "x" * 300_000)
    script = (
        "import asyncio, resource, sys; from pathlib import Path\n"
        "from massgen.errors import StorageError; from massgen.workspace import Store\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))\n"
        "try: asyncio.run(Store(Path(sys.argv[2])).take(Path(sys.argv[1])))\n"
        "except StorageError as error: print(error.message)"
    )
    command = [sys.executable, "-c", script, str(workspace), str(tmp_path / "store")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.stdout.startswith("Could not store or read"), done.stderr
    assert not [path for path in contents(tmp_path / "store") if "/." in path]


def test_a_missing_workspace_is_a_storage_error(store: Store, tmp_path: Path) -> None:
    with pytest.raises(StorageError):
        take(store, tmp_path / "nowhere")


def test_a_view_replaces_the_one_before(store: Store, workspace: Path, tmp_path: Path) -> None:
    show(store, take(store, workspace), tmp_path / "views/agent1")
    write(workspace / "notes.txt", "newer\n")
    assert show(store, take(store, workspace), tmp_path / "views/agent1")["notes.txt"] == b"newer\n"
    assert os.listdir(tmp_path / "views") == ["agent1"]


def test_the_event_loop_stays_free(store: Store, workspace: Path) -> None:
    for number in range(300):
        write(workspace / f"many/{number}", str(number) * 1000)

    async def both() -> int:
        ticks = 0
        task = asyncio.ensure_future(store.take(workspace))
        while not task.done():
            await asyncio.sleep(0)
            ticks += 1
        return ticks

    assert asyncio.run(both()) > 10


def test_a_content_that_a_killed_process_left_short_is_written_again(tmp_path: Path, workspace: Path) -> None:
    store = Store(tmp_path / "store")
    short = store.objects.blob_path(hashlib.sha256(b"notes\n").hexdigest())
    write(short, "no")
    short.chmod(0o444)
    assert show(store, take(store, workspace), tmp_path / "view") == contents(workspace)


def test_holes_of_a_file_stay_holes_in_the_store_and_in_what_is_restored(tmp_path: Path, workspace: Path) -> None:
    with (workspace / "sparse.bin").open("wb") as file:
        file.seek(20 << 20)
        file.write(b"middle")
        file.truncate(40 << 20)
    if (workspace / "sparse.bin").stat().st_blocks * 512 >= 40 << 20:
        pytest.skip("this file system keeps no holes")
    store = Store(tmp_path / "store")
    asyncio.run(store.restore(take(store, workspace), tmp_path / "again"))
    assert contents(tmp_path / "again") == contents(workspace)
    for blob in (tmp_path / "again/sparse.bin", *(tmp_path / "store").rglob("*")):
        assert blob.stat().st_blocks * 512 < 10 << 20


@pytest.mark.parametrize(("age", "read"), [(1_000_000_000, False), (0, True)])
def test_a_restored_file_is_read_again_only_if_it_may_have_changed(
    store: Store, workspace: Path, tmp_path: Path, age: int, read: bool
) -> None:
    tree = take(store, workspace)
    asyncio.run(store.restore(tree, tmp_path / "away"))
    known = asyncio.run(store.survey(tree, tmp_path / "away"))
    written = max((tmp_path / "away/notes.txt").stat().st_ctime_ns, (tmp_path / "away/src/app.py").stat().st_ctime_ns)
    (tmp_path / "away").rename(tmp_path / "place")
    store.adopt(tmp_path / "place", known, written + age)
    blob = store.objects.blob_path(hashlib.sha256(b"notes\n").hexdigest())
    blob.unlink()
    write(tmp_path / "place/src/app.py", "two\n")
    changed = take(store, tmp_path / "place")
    assert [change.path for change in asyncio.run(store.diff(tree, changed))] == ["src/app.py"]
    assert blob.exists() == read


def test_directories_on_the_way_need_not_be_readable(public: Path) -> None:
    """Such as `/home` on a shared machine."""
    write(public / "closed/mine/file.txt", "mine\n")
    (public / "closed/mine").chmod(0o777)
    (public / "closed").chmod(0o711)
    script = (
        "import asyncio, os, sys; from pathlib import Path\n"
        "from massgen.workspace import AgentPathPolicy, Grants, Store, beneath\n"
        "place = Path(sys.argv[1], 'closed/mine')\n"
        "policy = AgentPathPolicy(workspace=place, grants=Grants(writable=(place,)), private=(place,))\n"
        "beneath.replace_file(policy, 'warm/file', b''); asyncio.run(Store(Path(sys.argv[1], 'warm')).take(place))\n"
        "if os.geteuid() == 0: os.setgid(65534); os.setuid(65534)\n"
        "beneath.replace_file(policy, 'new/file.txt', b'new')\n"
        "tree = asyncio.run(Store(Path(sys.argv[1], 'store')).take(place))\n"
        "print(tree.files, beneath.read_bytes(policy, 'file.txt'))"
    )
    done = subprocess.run([sys.executable, "-c", script, str(public)], capture_output=True, text=True, check=False)
    assert done.stdout.strip() == "3 b'mine\\n'", done.stderr
