"""A disk that is full from any step of a run on costs files, never the answer; so does each place that may be full."""

from __future__ import annotations

import asyncio
import json
import shutil
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest

from massgen.cli.entry import run as run_command
from massgen.config import load_config
from massgen.events.types import Event
from massgen.runs.request import RunRequest, RunResult
from massgen.runs.run import Run
from massgen.testing import ReceivedRequest, ScriptedProvider, Turn, answer_then_vote, call, use
from tests.faults.disk import fill, root_only, small_disk
from tests.faults.place import KEY
from tests.server.place import serving

pytestmark = [root_only, pytest.mark.slow]
STEPS = 60
"""More than the events of the run that is played here."""
WORKING = 2
"""The number of the event that says where the agents work."""


def writing(text: str) -> Callable[[ReceivedRequest], Turn]:
    """Answers after having written a file, votes, and presents after having written another."""
    base = answer_then_vote(text, "agent1")

    def decide(request: ReceivedRequest) -> Turn:
        reply = base(request)
        assert isinstance(reply, Turn)
        tool = next((name for name in request.view.tool_names if name.endswith("write_file")), None)
        voting = bool(reply.calls) and reply.calls[0].name == "vote"
        if tool is None or voting or request.view.results:
            return reply
        return use(call(tool, path="made.txt", content=text * 40))

    return decide


def configuration(url: str, place: Path, **orchestrator: Any) -> dict[str, Any]:
    agents = [
        {
            "id": f"agent {number}",
            "backend": {
                "type": "chatcompletion",
                "model": f"m{number}",
                "base_url": url,
                "api_key": KEY,
                "cwd": str(place / f"workspace{number}"),
            },
        }
        for number in (1, 2)
    ]
    return {"agents": agents, "orchestrator": orchestrator}


async def play(launch: Path, watch: Callable[[Event], None], place: Path, **orchestrator: Any) -> RunResult:
    scripts = {"m1": writing("four "), "m2": writing("IV ")}
    async with ScriptedProvider(scripts) as server:
        loaded = load_config(configuration(server.openai_url, place, **orchestrator))
        run = Run(RunRequest(loaded=loaded, question="What is 2+2?", launch=launch, automation=True))
        run.prepare()
        run.stream.subscribe(watch)
        async with asyncio.timeout(250):
            return await run.execute()


def filling(disk: Path, step: int, *, files: bool) -> Callable[[Event], None]:
    """Subscriber that fills the disk when it hears of event number `step`."""
    heard = iter(range(10_000))

    def watch(_: Event) -> None:
        if next(heard) == step:
            fill(disk, files=files)

    return watch


def check_steps(disk: Path, steps: Iterable[int], told: Callable[[], str], *, files: bool) -> None:
    for step in steps:
        for path in disk.iterdir():
            shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()
        project = disk / "project"
        project.mkdir()
        (project / "mine.txt").write_text("untouched")
        paths = [{"path": str(project), "permission": "write"}]
        extra = {"context_paths": paths, "coordination": {"max_orchestration_restarts": 1}}
        result = asyncio.run(play(disk, filling(disk, step, files=files), disk, **extra))
        said = f"{told()} {result.message}"
        assert "Internal error" not in said and "Traceback" not in said, f"step {step}: {said}"
        assert "No space left" in said or not (disk / "filler").exists(), f"step {step}: {said}"
        if step < WORKING:
            assert result.exit_code == 2 and not result.answer  # before there are workspaces, nothing was paid
        else:
            assert result.exit_code == 0 and result.answer.strip() in ("four", "IV"), f"step {step}: {said}"
            assert result.answer_file is None or result.answer_file.read_text() == result.answer
        for path in disk.rglob("status.json"):
            json.loads(path.read_text())
        assert (project / "mine.txt").read_text() == "untouched"
        assert not list(disk.rglob(".*.tmp"))


def test_a_disk_that_is_full_from_some_step_on_costs_files_and_never_the_answer(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    with small_disk(tmp_path / "disk", 4096) as disk:
        check_steps(disk, (0, 3, 11, 19, 26, 33, 41, 50, 56), lambda: capfd.readouterr().err, files=False)


@pytest.mark.soak
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("files", [False, True], ids=["bytes", "names"])
def test_the_same_at_every_step(tmp_path: Path, capfd: pytest.CaptureFixture[str], files: bool) -> None:
    with small_disk(tmp_path / "disk", 4096) as disk:
        check_steps(disk, range(STEPS), lambda: capfd.readouterr().err, files=files)


@pytest.mark.parametrize("full", ["snapshot_storage", "agent_temporary_workspace", "session_storage", "workspaces"])
def test_a_place_on_a_full_disk_is_said_and_the_run_goes_on_or_does_not_begin(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], full: str
) -> None:
    launch = tmp_path / "launch"
    launch.mkdir()
    with small_disk(tmp_path / "disk", 1024) as disk:
        extra = {} if full == "workspaces" else {full: str(disk / "place")}
        place = disk if full == "workspaces" else launch
        result = asyncio.run(play(launch, filling(disk, 8, files=True), place, **extra))
    log = "".join(path.read_text() for path in result.log_dir.rglob("events.jsonl"))
    assert "the disk is full" in log if full == "workspaces" else "No space left" in capfd.readouterr().err
    assert result.exit_code == 0 and result.answer.strip() in ("four", "IV")
    assert result.answer_file is not None and result.answer_file.read_text() == result.answer
    status = json.loads((result.log_dir / "status.json").read_text())
    assert status["is_complete"] and status["results"]["winner"] == result.winner


def test_a_full_home_costs_only_the_list_of_sessions(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with small_disk(tmp_path / "home", 64) as home:
        fill(home, files=True)
        monkeypatch.setenv("HOME", str(home))
        result = asyncio.run(play(tmp_path, lambda _: None, tmp_path))
    assert result.exit_code == 0 and result.answer_file is not None
    assert "session registry could not be written (No space left" in capfd.readouterr().err


def test_files_named_by_flags_on_a_full_disk_leave_the_answer_in_the_log(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    scripts = {"m1": writing("four "), "m2": writing("IV ")}
    with small_disk(tmp_path / "disk", 64) as disk, ScriptedProvider(scripts).in_thread() as server:
        (disk / "old.txt").write_text("the answer of yesterday")
        fill(disk, files=True)
        Path("team.json").write_text(json.dumps(configuration(server.openai_url, tmp_path)))
        flags = ["--output-file", str(disk / "old.txt"), "--status-file", str(disk / "status.json")]
        assert run_command(["--config", "team.json", "--no-display", *flags, "What is 2+2?"]) == 0
        assert (disk / "old.txt").read_text() == "the answer of yesterday"
    said = capsys.readouterr().err
    assert "old.txt; it is kept in " in said and "status.json could not be written (No space left" in said


def test_a_new_configuration_on_a_full_disk_is_no_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with small_disk(tmp_path / "disk", 64) as disk:
        fill(disk)
        given = ["--config-backend", "openai", "--config-model", "gpt-4o"]
        assert run_command(["--generate-config", str(disk / "team.yaml"), *given]) == 2
        assert [path.name for path in disk.iterdir()] == ["filler"]
    said = capsys.readouterr().err
    assert "No space left" in said and said.count("Error: ") == 1


def test_a_server_on_a_full_disk_says_so_and_serves_again_when_there_is_room(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Its operator is told; callers learn no path."""

    async def story(disk: Path) -> None:
        async with serving(disk) as place:
            assert (await place.chat()).status_code == 200
            fill(disk, files=True)
            failed = await place.chat()
            assert failed.status_code == 500 and "/" not in failed.json()["error"]["message"], failed.text
            assert "(No space left on device)" in caplog.text
            for path in disk.glob("fil*"):
                path.unlink()
            served = await place.chat()
            assert served.status_code == 200 and served.json()["choices"][0]["message"]["content"]

    with small_disk(tmp_path / "disk", 4096) as disk:
        asyncio.run(story(disk))
