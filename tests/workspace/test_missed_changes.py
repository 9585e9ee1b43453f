"""What a copy of a project cannot be asked for is named in the review, and never passes for a deletion."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from massgen.workspace import FileChange, accept_all
from tests.needs import needs
from tests.workspace.place import Scene, contents, git, git_project, write
from tests.workspace.test_projects import play, presented, publish, started

pytestmark = needs("git")
AWAY = "a link that leads out of the project, to /etc"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    place = git_project(tmp_path / "project")
    write(place / "pkg/one.py")
    write(place / "pkg/two.py")
    write(place / "node_modules/kept.js")
    git(place, "add", "-A", "-f")
    git(place, "commit", "-qm", "second")
    return place


def tampered(checkout: Path) -> None:
    """Three things of the project and a new name become what no tree holds."""
    (checkout / "app.py").unlink()
    os.mkfifo(checkout / "app.py")
    os.link(checkout / "lib.py", checkout.parents[1] / "second name")
    shutil.rmtree(checkout / "pkg")
    (checkout / "pkg").symlink_to("/etc")
    (checkout / "new").symlink_to("/etc")


TAMPERED = [
    ("added", "new", AWAY),
    ("added", "pkg", AWAY),
    ("modified", "app.py", "neither file, directory nor link"),
    ("modified", "lib.py", "hard link to a file outside"),
]


async def applied(place: Scene) -> list[FileChange]:
    changes = await place.run.changes("alpha")
    await place.run.apply("alpha", accept_all(changes))
    return changes


@pytest.mark.spec("WS-033")
def test_what_takes_the_place_of_a_file_is_named_and_the_file_stays(tmp_path: Path, project: Path) -> None:
    before = contents(project)

    async def story() -> None:
        place, _ = await presented(tmp_path / "launch", project)
        tampered(place.checkout())
        changes = await applied(place)
        assert sorted((change.kind, change.path, change.refused) for change in changes) == TAMPERED
        shown = place.run.review("alpha").patch(changes)
        assert shown == "Link new added\nLink pkg added\n"

    play(story)
    assert contents(project) == before


@pytest.mark.spec("WS-033")
def test_it_is_named_as_well_where_it_was_done_before_the_presentation(tmp_path: Path, project: Path) -> None:
    before = contents(project)

    async def story() -> None:
        place = await started(tmp_path / "launch", project)
        tampered(place.checkout())
        await publish(place)
        await place.run.restore("alpha", place.run.latest("alpha"))
        changes = await applied(place)
        assert sorted((change.kind, change.path, change.refused) for change in changes) == TAMPERED

    play(story)
    assert contents(project) == before


def test_a_cache_that_the_project_keeps_is_part_of_its_copy(tmp_path: Path, project: Path) -> None:
    async def story() -> None:
        place, changes = await presented(tmp_path / "launch", project)
        assert changes == [] and (place.checkout() / "node_modules/kept.js").is_file()
        write(place.checkout() / "node_modules/kept.js", "changed\n")
        write(place.checkout() / "pkg/node_modules/made.js")
        assert [change.path for change in await applied(place)] == ["node_modules/kept.js"]

    play(story)
    assert (project / "node_modules/kept.js").read_text() == "changed\n"


@pytest.mark.soak
def test_a_project_of_more_than_a_gigabyte_loses_no_file(tmp_path: Path, project: Path) -> None:
    for number in range(12):
        with (project / f"large{number}").open("wb") as file:
            file.truncate(99 << 20)

    async def story() -> None:
        place, changes = await presented(tmp_path / "launch", project, app="new\n")
        assert [change.path for change in changes] == ["app.py"]
        await place.run.finish()

    play(story)
