"""What a run would change in the project is asked about at the terminal, through the real program."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import yaml

from massgen.testing import ReceivedRequest, ScriptedProvider, Turn, call, say, use
from tests.interactive.terminal import Terminal
from tests.needs import needs
from tests.runs.place import git_project, massgen, place_of, team

WRITE = "mcp__filesystem__write_file"
EXECUTE = "mcp__command_line__execute_command"


def editor(request: ReceivedRequest) -> Turn:
    """Changes one file of its copy and adds another."""
    view = request.view
    if "new_answer" not in view.tool_names:
        return say("Both files are done.")
    if view.results:
        return use(call("new_answer", content="Changed."))
    copy = place_of(request, "your own copy of the project")
    return use(
        call(WRITE, path=f"{copy}/added.py", content="x = 1\n"),
        call(WRITE, path=f"{copy}/code.py", content="new = 1\n"),
    )


def linker(request: ReceivedRequest) -> Turn:
    """Puts a link to a file outside in the place of one file of its copy, and beside it."""
    view = request.view
    if "new_answer" not in view.tool_names:
        return say("Linked.")
    if view.results:
        return use(call("new_answer", content="Linked."))
    copy = place_of(request, "your own copy of the project")
    made = f"cd {copy} && rm code.py && ln -s /etc/hostname code.py && ln -s ../../../x away"
    return use(call(EXECUTE, command=made))


@contextmanager
def linking(tmp_path: Path) -> Iterator[Path]:
    """A project, and `team.yaml` of an agent that puts links into it."""
    project = tmp_path / "project"
    project.mkdir()
    (project / "code.py").write_text("old = 1\n")
    with ScriptedProvider({"m": linker}).in_thread() as server:
        config = {
            "agents": team(server.openai_url, ["m"], cwd="work", enable_mcp_command_line=True),
            "orchestrator": {
                "context_paths": [{"path": str(project), "permission": "write"}],
                "coordination": {"write_mode": "auto"},
            },
        }
        (tmp_path / "team.yaml").write_text(yaml.safe_dump(config))
        yield project


@needs("git")
@pytest.mark.spec("WS-033")
def test_a_link_that_leads_out_is_named_at_the_terminal(tmp_path: Path):
    words = ("--no-display", "--config", "team.yaml", "Link it.")
    with linking(tmp_path) as project, Terminal(tmp_path, *words, size=(200, 30)) as terminal:
        terminal.expect("project/away: not possible (a link that leads out of the project, to ../../../x)")
        terminal.expect("project/code.py: not possible (a link that leads out of the project, to /etc/hostname)")
        terminal.expect("Applying 0 of 2.")
        assert terminal.wait() == 0
    assert [(path.name, path.read_text()) for path in project.iterdir()] == [("code.py", "old = 1\n")]


@needs("git")
@pytest.mark.spec("WS-033", "WS-045")
def test_a_link_that_leads_out_is_named_in_automation(tmp_path: Path):
    with linking(tmp_path) as project:
        done = massgen(tmp_path, "--automation", "--config", "team.yaml", "Link it.")
    assert done.returncode == 0, done.stderr
    for name, target in (("away", "../../../x"), ("code.py", "/etc/hostname")):
        line = f"Not applied: {project / name} (a link that leads out of the project, to {target})"
        assert line in done.stderr
    assert [(path.name, path.read_text()) for path in project.iterdir()] == [("code.py", "old = 1\n")]


@needs("git")
@pytest.mark.spec("WS-033")
@pytest.mark.parametrize("display", [("--no-display",), ("--display", "rich_terminal")])
def test_each_file_is_asked_about_until_the_answer_fits(tmp_path: Path, display: tuple[str, ...]):
    project = git_project(tmp_path / "project")
    with ScriptedProvider({"m": editor}).in_thread() as server:
        config = {
            "agents": team(server.openai_url, ["m"], cwd="work"),
            "orchestrator": {
                "context_paths": [{"path": str(project), "permission": "write"}],
                "coordination": {"write_mode": "auto"},
            },
        }
        (tmp_path / "team.yaml").write_text(yaml.safe_dump(config))
        with Terminal(tmp_path, *display, "--config", "team.yaml", "Edit it.", size=(120, 30)) as terminal:
            terminal.expect("The result changes 2 file(s) of your project:")
            terminal.expect("added.py: apply? [y/N/d=diff/a=all/q=none] ")
            terminal.line("yy")
            terminal.expect("Please answer y, n, d, a or q.")
            terminal.expect("added.py: apply? [y/N/d=diff/a=all/q=none] ")
            terminal.line("")
            terminal.expect("code.py: apply? [y/N/d=diff/a=all/q=none] ")
            terminal.line("d")
            terminal.expect("+new = 1")
            terminal.expect("code.py: apply? [y/N/d=diff/a=all/q=none] ")
            terminal.line("y")
            terminal.expect("Applying 1 of 2.")
            if "rich_terminal" in display:
                terminal.expect("Enter your choice:")
                terminal.line("q")
            assert terminal.wait() == 0
    assert (project / "code.py").read_text() == "new = 1\n"
    assert not (project / "added.py").exists()
