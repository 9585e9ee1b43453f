"""Disks that fill up or cannot be written, and other surroundings that fail: a sentence, a documented exit code."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from massgen.testing import ScriptedProvider, answer_then_vote
from tests.faults.disk import root_only, small_disk
from tests.faults.place import team

MASSGEN = str(Path(sys.executable).with_name("massgen"))
GOOD = answer_then_vote("four " * 40, "agent1")


def massgen(
    cwd: Path, *arguments: str, env: Mapping[str, str] | None = None, stdin: str = ""
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [MASSGEN, *arguments], cwd=cwd, env={**os.environ, **(env or {})}, input=stdin, capture_output=True,
        text=True, timeout=250, check=False,
    )  # fmt: skip


def ask(cwd: Path, server: ScriptedProvider, *arguments: str, **how) -> subprocess.CompletedProcess[str]:
    file = cwd.parent / "team.json"
    file.write_text(json.dumps(team(server.openai_url, ["m1", "m2"])))
    return massgen(cwd, "--automation", "--config", str(file), *(arguments or ("What is 2+2?",)), **how)


@pytest.fixture
def server() -> Iterator[ScriptedProvider]:
    with ScriptedProvider({"m1": GOOD, "m2": GOOD}).in_thread() as running:
        yield running


@pytest.mark.slow
@root_only
@pytest.mark.parametrize("kilobytes", [4, 16, 48, 96])
def test_a_disk_that_fills_up_is_said_and_the_answer_is_not_lost(
    tmp_path: Path, server: ScriptedProvider, kilobytes: int
) -> None:
    with small_disk(tmp_path / "disk", kilobytes) as disk:
        done = ask(disk, server)
        assert "Traceback" not in done.stderr
        assert done.returncode in (0, 1, 2), done.stderr
        told = f"{done.stdout}{done.stderr}"
        assert "No space left" in told or done.returncode == 0
        if done.returncode == 0:
            assert "ANSWER_PREVIEW: four" in done.stdout
        for path in disk.rglob("status.json"):
            json.loads(path.read_text())


@pytest.mark.slow
def test_a_log_directory_that_cannot_be_made_is_a_sentence_before_any_call(
    tmp_path: Path, server: ScriptedProvider
) -> None:
    work = tmp_path / "work"
    work.mkdir()
    (work / ".massgen").write_text("a file where a directory is needed")
    done = ask(work, server)
    assert done.returncode in (1, 2) and done.stderr.count("Error: ") == 1 and "Traceback" not in done.stderr
    assert not server.requests


@pytest.mark.slow
@pytest.mark.parametrize("home", [None, "/proc/nowhere"], ids=["unset", "unwritable"])
def test_a_home_that_is_not_there_is_no_obstacle(tmp_path: Path, server: ScriptedProvider, home: str | None) -> None:
    work = tmp_path / "work"
    work.mkdir()
    file = tmp_path / "team.json"
    file.write_text(json.dumps(team(server.openai_url, ["m1", "m2"])))
    env = {name: value for name, value in os.environ.items() if name != "HOME"}
    if home is not None:
        env["HOME"] = home
    command = [MASSGEN, "--automation", "--config", str(file), "What is 2+2?"]
    done = subprocess.run(command, cwd=work, env=env, capture_output=True, text=True, timeout=250, check=False)
    assert done.returncode == 0 and "Traceback" not in done.stderr, done.stderr


@pytest.mark.slow
def test_a_reader_that_leaves_early_does_not_end_the_run(tmp_path: Path, server: ScriptedProvider) -> None:
    work = tmp_path / "work"
    work.mkdir()
    file = tmp_path / "team.json"
    file.write_text(json.dumps(team(server.openai_url, ["m1", "m2"])))
    command = [MASSGEN, "--automation", "--config", str(file), "--output-file", "answer.txt", "What is 2+2?"]
    with subprocess.Popen(command, cwd=work, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as run:
        assert run.stdout is not None and run.stderr is not None
        assert run.stdout.readline().startswith("LOG_DIR: ")
        run.stdout.close()
        said = run.stderr.read()
    assert run.returncode == 0 and "Traceback" not in said, said
    assert (work / "answer.txt").read_text().startswith("four")


@pytest.mark.slow
def test_a_question_of_a_megabyte_and_set_proxies_are_no_obstacle(tmp_path: Path, server: ScriptedProvider) -> None:
    work = tmp_path / "work"
    work.mkdir()
    proxies = dict.fromkeys(("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy"), "http://127.0.0.1:9")
    question = "Wie viel ist 2+2? " * 60_000
    done = ask(work, server, "-", env={**proxies, "NO_PROXY": "127.0.0.1"}, stdin=question)
    assert done.returncode == 0 and "Traceback" not in done.stderr, done.stderr[-2000:]
    assert min(len(request.view.last_user) for request in server.requests[:2]) >= 1_000_000


@pytest.mark.slow
def test_ids_with_slashes_and_other_scripts_are_kept_apart_on_disk(tmp_path: Path, server: ScriptedProvider) -> None:
    work = tmp_path / "work"
    work.mkdir()
    config = team(server.openai_url, ["m1", "m2"])
    for agent, name in zip(config["agents"], ("../../etc/x", "агент/二"), strict=True):
        agent["id"] = name
    (tmp_path / "ids.json").write_text(json.dumps(config))
    done = massgen(work, "--automation", "--config", str(tmp_path / "ids.json"), "What is 2+2?")
    assert done.returncode == 0, done.stderr
    place = Path(done.stdout.partition("ANSWER_FILE: ")[2].splitlines()[0])
    assert place.is_file() and place.resolve().is_relative_to(work)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["ids.json", "work"]


@pytest.mark.slow
@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_standard_output_on_a_full_disk_does_not_end_the_run(tmp_path: Path, server: ScriptedProvider) -> None:
    work = tmp_path / "work"
    work.mkdir()
    file = tmp_path / "team.json"
    file.write_text(json.dumps(team(server.openai_url, ["m1", "m2"])))
    command = [MASSGEN, "--automation", "--config", str(file), "--output-file", "answer.txt", "What is 2+2?"]
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            command, cwd=work, stdout=full, stderr=subprocess.PIPE, text=True, timeout=250, check=False
        )
    assert done.returncode == 0 and "Traceback" not in done.stderr, done.stderr
    assert (work / "answer.txt").read_text().startswith("four")
