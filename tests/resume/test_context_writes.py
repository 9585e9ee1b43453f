"""A presenter that writes into the user's paths itself (`write_mode: legacy`) is killed: what it wrote stands, nothing
is written twice, and nothing beside the granted paths is touched.
"""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from massgen.agents.record import INTERRUPTED
from massgen.events.codec import read_run
from massgen.events.types import ToolEnd, ToolStart
from massgen.testing import ReceivedRequest, ScriptedProvider, Turn, answer_then_vote, call, say, use
from massgen.testing.policies import visible_answers
from massgen.testing.requests import View
from tests.needs import needs
from tests.resume.course import folded
from tests.resume.team import QUESTION, RUN, WRITE, go_on, play_until, team
from tests.resume.test_killed import MASSGEN, SECONDS, massgen

POINTS = [
    ("tool_start", 1),
    ("tool_end", 1),
    ("tool_start", 2),
    ("tool_end", 2),
    ("tool_end", 4),
    ("final_answer", 1),
    ("PresentationEnded", 1),
]


class Ground:
    """What the user has: a project to write into, a directory to read, and one that nobody has named."""

    def __init__(self, root: Path) -> None:
        self.project, self.reading, self.outside = (root / name for name in ("project", "reading", "outside"))
        for path in (self.project, self.reading, self.outside):
            path.mkdir()
            (path / "mine.txt").write_text(f"{path.name}\n")
        (self.project / ".env").write_text("KEY=1\n")
        self.before = self.untouched()

    @property
    def config(self) -> list[dict[str, str]]:
        return [{"path": str(self.project), "permission": "write"}, {"path": str(self.reading), "permission": "read"}]

    def untouched(self) -> dict[str, tuple[str, int]]:
        """Everything that no agent may change, with its content and time."""
        files = [*self.reading.rglob("*"), *self.outside.rglob("*"), *self.project.glob(".env")]
        found = {str(path): (path.read_text(), path.stat().st_mtime_ns) for path in files}
        return found | {"mine": ((self.project / "mine.txt").read_text(), 0)}

    def written(self) -> dict[str, str]:
        names = ("a.txt", "log.txt", "b.txt")
        return {name: (self.project / name).read_text() for name in names if (self.project / name).exists()}


def presenting(ground: Ground, wait: str = "true") -> Callable[[ReceivedRequest], Turn]:
    """Writes three times when it presents, and tries to write where it may not. Looks before it repeats a call."""
    project = ground.project
    beside = f"p={project}; (echo x > ${{p%project}}outside/x) 2>/dev/null"
    steps = (
        ("a.txt", call(WRITE, path=f"{project}/a.txt", content="first\n")),
        ("once", call(RUN, command=f"echo once >> {project}/log.txt; {beside}; {wait}")),
        ("mine.txt", call(WRITE, path=f"{ground.reading}/mine.txt", content="changed\n")),
        ("b.txt", call(WRITE, path=f"{project}/b.txt", content="second\n")),
    )
    look = call(RUN, command=f"ls {project}; cat {project}/log.txt")

    def decide(request: ReceivedRequest) -> Turn:
        view = request.view
        if "vote" in view.tool_names and visible_answers(view):
            return use(call("vote", agent_id="agent1", reason="better"))
        if "new_answer" in view.tool_names:
            return use(call("new_answer", content="I shall write."))
        done, looking = progress(view, [marker for marker, _ in steps])
        if looking:
            return use(look)
        return use(steps[done][1]) if done < len(steps) else say("written")

    return decide


def progress(view: View, markers: list[str]) -> tuple[int, bool]:
    """How many steps are done, and whether the next has to be looked for because its call was interrupted."""
    done, looking = 0, False
    for result in view.results:
        if looking:
            done, looking = done + (markers[done] in result.text), False
        elif INTERRUPTED in result.text:
            looking = True
        else:
            done += 1
    return done, looking


def configuration(url: str, ground: Ground) -> dict[str, Any]:
    return team(url, ["m1", "m2"], context_paths=ground.config)


def check(log_dir: Path, ground: Ground, answer: str) -> list[ToolEnd]:
    """The files are as if nobody had killed the run; the ends of the calls."""
    assert answer == "written"
    assert ground.written() == {"a.txt": "first\n", "log.txt": "once\n", "b.txt": "second\n"}
    assert ground.untouched() == ground.before
    assert {path.name for path in ground.project.iterdir()} <= {".env", "mine.txt", "gate", "a.txt", "b.txt", "log.txt"}
    events = list(read_run(log_dir))
    begun = [event.body.call_id for event in events if isinstance(event.body, ToolStart)]
    ended = [event.body for event in events if isinstance(event.body, ToolEnd)]
    assert len(set(begun)) == len(begun) and sorted(begun) == sorted(end.call_id for end in ended)
    assert folded(log_dir).follows
    assert json.loads((log_dir / "status.json").read_text())["is_complete"]
    return ended


@needs("bwrap")
@pytest.mark.slow
@pytest.mark.spec("WS-063", "WS-053")
@pytest.mark.parametrize(("kind", "count"), POINTS)
def test_a_presenter_that_was_killed_writes_nothing_twice(tmp_path: Path, kind: str, count: int) -> None:
    ground, launch = Ground(tmp_path), tmp_path / "launch"
    launch.mkdir()
    scripts = {"m1": presenting(ground), "m2": answer_then_vote("I watch.", "agent1")}
    with ScriptedProvider(scripts).in_thread() as server:
        config = configuration(server.openai_url, ground)
        log_dir = play_until(launch, config, kind, count)
        already = ground.written()
        result = asyncio.run(asyncio.wait_for(go_on(launch, config, log_dir), SECONDS))
    assert result.exit_code == 0, result.message
    ended = check(log_dir, ground, result.answer)
    assert already.items() <= ground.written().items()
    assert sum(INTERRUPTED in end.result for end in ended) == (kind == "tool_start")
    refused = [end for end in ended if end.is_error and INTERRUPTED not in end.result]
    assert len(refused) == 1 and "mine.txt" in refused[0].result


@needs("bwrap")
@pytest.mark.slow
@pytest.mark.spec("WS-063")
def test_what_a_command_wrote_before_it_was_killed_is_shown_to_the_presenter(tmp_path: Path) -> None:
    ground, launch = Ground(tmp_path), tmp_path / "launch"
    launch.mkdir()
    gate = ground.project / "gate"
    os.mkfifo(gate)
    scripts = {"m1": presenting(ground, f"echo up > {gate}; sleep 600"), "m2": answer_then_vote("I watch.", "agent1")}
    with ScriptedProvider(scripts).in_thread() as server:
        (launch / "team.json").write_text(json.dumps(configuration(server.openai_url, ground)))
        command = [MASSGEN, "--automation", "--config", "team.json", QUESTION]
        with subprocess.Popen(command, cwd=launch, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as run:
            assert run.stdout is not None
            log_dir = Path(run.stdout.readline().removeprefix("LOG_DIR: ").strip())
            assert gate.read_text() == "up\n"
            run.kill()
        assert ground.written() == {"a.txt": "first\n", "log.txt": "once\n"}
        done = massgen(launch, "resume", str(log_dir))
        assert done.returncode == 0, done.stderr
        shown = [result.text for sent in server.requests_for("m1") for result in sent.view.results]
    assert any(INTERRUPTED in text for text in shown) and any("once" in text for text in shown)
    answer = (log_dir / "turn_1/final/agent m1/answer.txt").read_text()
    ended = check(log_dir, ground, answer)
    assert sum(INTERRUPTED in end.result for end in ended) == 1
