"""Two agents edit a real project; what is reviewed and accepted is all that reaches it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from massgen.config import load_config
from massgen.errors import WorkspaceError
from massgen.events.types import Event, FinalAnswer, Warned
from massgen.runs.run import Run
from massgen.runs.workfiles import checked_contexts
from massgen.testing import ReceivedRequest, ScriptedProvider, Turn, call, use
from massgen.testing.policies import visible_answers
from massgen.workspace.review import FileChange, Review, accept_all
from tests.needs import needs
from tests.runs.place import Played, git, git_project, place_of, play

COPY = "your own copy of the project"
WRITE = "mcp__filesystem__write_file"
READ = "mcp__filesystem__read_file"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return git_project(tmp_path / "project", keep="kept = 1\n")


class Editor:
    """Changes its copy in its first round, reads the peers' versions before it votes for agent 2, adds one file
    when it presents."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.read: list[str] = []

    def __call__(self, request: ReceivedRequest) -> Turn:
        view = request.view
        copy, home = place_of(request, COPY), place_of(request, "your workspace")
        if "new_answer" not in view.tool_names and "vote" not in view.tool_names:
            return self._present(request, copy)
        if visible_answers(view):
            others = place_of(request, "everybody's submitted files")
            if not view.results:
                return use(*(call(READ, path=f"{others}/agent{n}/mine.txt") for n in (1, 2)))
            self.read = [result.text for result in view.results]
            return use(call("vote", agent_id="agent2", reason="better"))
        if view.results:
            return use(call("new_answer", content=f"changed by {self.name}, see {home}/mine.txt"))
        return use(
            call(WRITE, path=f"{copy}/code.py", content=f"new = '{self.name}'\n"),
            call(WRITE, path=f"{copy}/{self.name}.py", content="x = 1\n"),
            call(WRITE, path="mine.txt", content=f"notes of {self.name}"),
        )

    def _present(self, request: ReceivedRequest, copy: str) -> Turn:
        if request.view.results:
            return Turn(text=f"done by {self.name}")
        return use(call(WRITE, path=f"{copy}/final.py", content="y = 1\n"))


def edited(tmp_path: Path, project: Path, mode: str, **more: Any) -> tuple[Played, Editor, Editor]:
    one, two = Editor("one"), Editor("two")
    orchestrator = {
        "context_paths": [{"path": str(project), "permission": "write"}],
        "coordination": {"write_mode": mode},
    }
    launch = tmp_path / "launch"
    launch.mkdir()
    played = play(launch, {"m1": one, "m2": two}, orchestrator=orchestrator, backend={"cwd": "ws"}, **more)
    assert played.result.exit_code == 0, played.result.message
    return played, one, two


@needs("git")
@pytest.mark.spec("WS-030", "WS-031", "WS-033", "WS-045", "WS-020", "WS-021", "COORD-038", "COORD-101", "LOG-009")
def test_two_agents_edit_a_project_and_only_the_winners_change_reaches_it(tmp_path: Path, project: Path) -> None:
    seen: list[tuple[str, list[str]]] = []
    before_tree = sorted(path.name for path in project.iterdir())
    head = git(project, "rev-parse", "HEAD")

    def watch(run: Run, _: ScriptedProvider) -> None:
        run.stream.subscribe(
            lambda event: seen.append((event.body.kind, sorted(path.name for path in project.iterdir())))
        )

    played, one, two = edited(tmp_path, project, "auto", before=watch)
    assert played.result.winner == "agent_b"
    assert one.read == two.read == ["notes of one", "notes of two"]
    assert all(names == before_tree for kind, names in seen if kind in ("new_answer", "vote", "winner_selected"))
    assert (project / "code.py").read_text() == "new = 'two'\n"
    assert (project / "two.py").exists() and (project / "final.py").exists()
    assert not (project / "one.py").exists()
    assert not (project / "mine.txt").exists()
    assert (project / "keep.py").read_text() == "kept = 1\n"
    assert git(project, "rev-parse", "HEAD") == head
    assert git(project, "branch", "--list").split() == ["*", "main"]
    assert git(project, "worktree", "list").count("\n") == 1
    assert git(project, "stash", "list") == ""
    final = played.attempt / "final" / "agent_b"
    assert (final / "workspace" / "mine.txt").read_text() == "notes of two"
    patch = (final / "changes.patch").read_text()
    assert "+new = 'two'" in patch and "one.py" not in patch
    step = next(path for path in (played.attempt / "agent_a").iterdir() if (path / "workspace").is_dir())
    assert (step / "workspace" / "mine.txt").read_text() == "notes of one"


@needs("git")
@pytest.mark.spec("WS-033")
def test_a_person_may_accept_some_files_and_refuse_others(tmp_path: Path, project: Path) -> None:
    async def review(shown: Review, changes: Sequence[FileChange]) -> Sequence[Any]:
        return accept_all([change for change in changes if change.target.name != "final.py"])

    edited(tmp_path, project, "auto", review=review)
    assert (project / "code.py").read_text() == "new = 'two'\n"
    assert (project / "two.py").exists()
    assert not (project / "final.py").exists()


@needs("git")
@pytest.mark.spec("WS-045")
def test_each_of_two_projects_has_a_patch_that_git_applies(tmp_path: Path) -> None:
    projects = [tmp_path / "one", tmp_path / "two words"]
    for path in projects:
        path.mkdir()
        (path / "code.py").write_text("old = 1\n")

    def decide(request: ReceivedRequest) -> Turn:
        if "new_answer" not in request.view.tool_names:
            return Turn(text="done")
        if request.view.results:
            return use(call("new_answer", content="answer"))
        copies = re.findall(rf"^- (\S.*) \(\w+\): {COPY}", request.view.system, re.MULTILINE)
        assert len(copies) == 2
        return use(*(call(WRITE, path=f"{copy}/new.py", content=f"{number}\n") for number, copy in enumerate(copies)))

    paths = [{"path": str(path), "permission": "write"} for path in projects]
    orchestrator = {"context_paths": paths, "coordination": {"write_mode": "auto"}}
    played = play(tmp_path, {"m": decide}, orchestrator=orchestrator, backend={"cwd": "ws"})
    assert played.result.exit_code == 0
    final = played.attempt / "final" / "agent_a"
    for number, path in enumerate(projects):
        assert (path / "new.py").read_text() == f"{number}\n"
        (path / "new.py").unlink()
        git(path, "apply", str(final / f"changes-{path.name}.patch"))
        assert (path / "new.py").read_text() == f"{number}\n"
    assert (final / "changes.patch").read_text().count("+++ b/new.py") == 2


@needs("git")
@pytest.mark.spec("HOOK-027", "COORD-039")
def test_paths_in_answers_lead_to_what_the_reader_can_open(tmp_path: Path, project: Path) -> None:
    played, _, _ = edited(tmp_path, project, "auto")
    for model in ("m1", "m2"):
        asked = next(request for request in played.asked(model) if visible_answers(request.view))
        others = place_of(asked, "everybody's submitted files")
        shown = "\n".join(visible_answers(asked.view).values())
        for other in {"m1", "m2"} - {model}:
            theirs = place_of(played.asked(other)[0], "your workspace")
            assert theirs not in shown
        assert all(f"{others}/agent{number}/mine.txt" in shown for number in (1, 2))


@pytest.mark.spec("WS-063", "WS-053")
def test_in_legacy_mode_only_the_presenter_writes_and_nobody_is_asked(tmp_path: Path) -> None:
    project = tmp_path / "plain"
    project.mkdir()
    refused: list[str] = []

    def decide(request: ReceivedRequest) -> Turn:
        view = request.view
        write = call(WRITE, path=f"{project}/out.txt", content="by the presenter")
        if "new_answer" in view.tool_names:
            if not view.results:
                return use(write)
            refused.extend(result.text for result in view.results)
            assert not (project / "out.txt").exists()
            return use(call("new_answer", content="answer"))
        return Turn(text="done") if view.results else use(write)

    orchestrator = {"context_paths": [{"path": str(project), "permission": "write"}]}
    played = play(tmp_path, {"m1": decide}, orchestrator=orchestrator, backend={"cwd": "ws"})
    assert played.result.exit_code == 0
    assert refused and "Error" in refused[0]
    assert (project / "out.txt").read_text() == "by the presenter"


@needs("git")
@pytest.mark.spec("WS-045")
def test_a_file_that_the_user_changed_meanwhile_is_kept_and_named(tmp_path: Path, project: Path) -> None:
    def meanwhile(run: Run, server: ScriptedProvider) -> None:
        def on_event(event: Event) -> None:
            if isinstance(event.body, FinalAnswer):
                (project / "code.py").write_text("mine = 'the user'\n")

        run.stream.subscribe(on_event)

    played, _, _ = edited(tmp_path, project, "auto", before=meanwhile)
    assert (project / "code.py").read_text() == "mine = 'the user'\n"
    assert (project / "two.py").exists()
    warnings = [body.text for body in played.bodies(Warned)]
    assert any("code.py was changed meanwhile" in text for text in warnings)


@pytest.mark.spec("WS-099")
def test_with_skipped_validation_a_missing_protected_path_is_a_warning(tmp_path: Path) -> None:
    backend = {"type": "chatcompletion", "model": "m", "base_url": "http://127.0.0.1:9", "api_key": "k"}
    paths = [{"path": str(tmp_path), "permission": "write", "protected_paths": ["file.txt"]}]
    config = {"agent": {"id": "a", "backend": backend}, "orchestrator": {"context_paths": paths}}
    loaded = load_config(config, launch=tmp_path)
    with pytest.raises(WorkspaceError, match=re.escape("Protected path 'file.txt' not found")):
        checked_contexts(loaded.require(), loaded, tmp_path, hint=print)
    told: list[str] = []
    (found,) = checked_contexts(loaded.require(), loaded.unchecked(), tmp_path, hint=told.append)
    assert told[0].startswith("Protected path 'file.txt' not found")
    assert found.protected == (tmp_path.resolve() / "file.txt",)
