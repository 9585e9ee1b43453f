"""What a run would change in the project is asked about at the terminal, through the real program."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from massgen.testing import ReceivedRequest, ScriptedProvider, Turn, call, say, use
from tests.interactive.terminal import Terminal
from tests.needs import needs
from tests.runs.place import git, place_of, team

WRITE = "mcp__filesystem__write_file"


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


@needs("git")
@pytest.mark.spec("WS-033")
@pytest.mark.parametrize("display", [("--no-display",), ("--display", "rich_terminal")])
def test_each_file_is_asked_about_until_the_answer_fits(tmp_path: Path, display: tuple[str, ...]):
    project = tmp_path / "project"
    project.mkdir()
    git(project, "init", "-q", "-b", "main")
    (project / "code.py").write_text("old = 1\n")
    git(project, "add", ".")
    git(project, "commit", "-q", "-m", "one")
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
