"""Flags of the command line, each through the program in a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest

from massgen.events.codec import read_run
from massgen.events.types import SessionStart
from massgen.testing import ReceivedRequest, ScriptedProvider, Turn, answer_then_vote
from tests.ports import quiet_port
from tests.runs.place import command, environment, massgen, write_config

MODELS = ("m1", "m2")


@pytest.fixture
def server() -> Iterator[ScriptedProvider]:
    scripts = {"m1": answer_then_vote("Four."), "m2": answer_then_vote("It is 4.")}
    with ScriptedProvider(scripts).in_thread() as provider:
        yield provider


def asked(
    launch: Path, server: ScriptedProvider, *flags: str, env: dict[str, str] | None = None, **config: Any
) -> subprocess.CompletedProcess[str]:
    path = write_config(launch, server.openai_url, MODELS, **config)
    done = massgen(launch, "--automation", "--config", path, *flags, "Q", env=env)
    assert done.returncode == 0, done.stderr
    return done


def first_of(server: ScriptedProvider) -> ReceivedRequest:
    return server.requests_for("m1")[0]


@pytest.mark.spec("CLI-039")
@pytest.mark.parametrize(("flag", "inside", "mode"), [
    (None, "decomposition", "decomposition"),
    ("parallel", "decomposition", "voting"),
    ("decomposition", "voting", "decomposition"),
    (None, None, "voting"),
])  # fmt: skip
def test_the_coordination_mode_of_the_flag_beats_that_of_the_file(
    server: ScriptedProvider, tmp_path: Path, flag: str | None, inside: str | None, mode: str
) -> None:
    flags = ("--coordination-mode", flag) if flag else ()
    asked(tmp_path, server, *flags, orchestrator={"coordination_mode": inside} if inside else {})
    (log,) = (tmp_path / ".massgen" / "massgen_logs").glob("log_2*")
    (start,) = [event.body for event in read_run(log) if isinstance(event.body, SessionStart)]
    assert start.mode == mode
    seen = {name for request in server.requests_for("m1") for name in request.view.tool_names}
    assert ("stop" in seen) == (mode == "decomposition")


@pytest.mark.spec("CLI-040")
def test_quick_is_one_answer_each_one_ballot_and_no_presentation(server: ScriptedProvider, tmp_path: Path) -> None:
    asked(tmp_path, server, "--quick")
    for model in MODELS:
        tools = [set(request.view.tool_names) & {"new_answer", "vote"} for request in server.requests_for(model)]
        assert tools == [{"new_answer"}, {"vote"}]


@pytest.mark.spec("CLI-041")
@pytest.mark.parametrize(("flag", "enabled", "words"), [
    (None, True, "personas for 2 experts"),
    ("off", True, None),
    ("implementation", False, "personas for 2 experts"),
    ("methodology", True, "personas for 2 experts"),
])  # fmt: skip
def test_personas_are_switched_by_the_flag(
    tmp_path: Path, flag: str | None, enabled: bool, words: str | None
) -> None:
    def decide(request: ReceivedRequest) -> Any:
        if "personas for" in request.view.system:
            return Turn(text="none")
        return answer_then_vote("Four.")(request)

    with ScriptedProvider({"m1": decide, "m2": decide}).in_thread() as server:
        flags = ("--personas", flag) if flag else ()
        coordination = {"persona_generator": {"enabled": enabled}}
        asked(tmp_path, server, *flags, orchestrator={"coordination": coordination})
        calls = [request.view.system for request in server.requests if "personas for" in request.view.system]
    assert bool(calls) == bool(words)
    from massgen.engine.preparing.requests import PERSONA_MODES

    if flag in ("implementation", "methodology"):
        assert PERSONA_MODES[flag] in calls[0]


@pytest.mark.spec("CLI-045")
@pytest.mark.parametrize(("flag", "inside", "offered"), [
    ("agents", False, True), ("false", "agents", False), ("human", "agents", False), (None, "agents", True),
])  # fmt: skip
def test_the_flag_says_whom_agents_may_ask_and_nobody_asks_a_person_headless(
    server: ScriptedProvider, tmp_path: Path, flag: str | None, inside: object, offered: bool
) -> None:
    flags = ("--broadcast", flag) if flag else ()
    done = asked(tmp_path, server, *flags, orchestrator={"coordination": {"broadcast": inside}})
    assert ("ask_others" in first_of(server).view.tool_names) == offered
    assert ("nobody can be asked" in done.stderr) == (flag == "human")


@pytest.mark.spec("CLI-049", "CLI-050")
def test_criteria_of_a_file_or_a_preset_are_in_the_checklist(server: ScriptedProvider, tmp_path: Path) -> None:
    from massgen.runs.criteria import chosen_criteria

    limit = {"voting_sensitivity": "checklist_gated", "max_new_answers_per_agent": 1}
    (tmp_path / "criteria.json").write_text(json.dumps(["it rhymes", "it is short"]))
    asked(tmp_path, server, "--eval-criteria", "criteria.json", orchestrator=limit)
    shown = first_of(server).view.system
    assert "it rhymes" in shown and "it is short" in shown
    before = len(server.requests_for("m1"))
    asked(tmp_path, server, "--checklist-criteria-preset", "evaluation", orchestrator=limit)
    shown = server.requests_for("m1")[before].view.system
    assert "it rhymes" not in shown
    assert all(criterion.text in shown for criterion in chosen_criteria(None, "evaluation"))


@pytest.mark.spec("CLI-025", "WS-057")
@pytest.mark.parametrize(("mode", "access"), [("ro", "read"), ("read", "read"), ("rw", "write"), ("write", "write")])
def test_the_launch_directory_is_shared_as_the_flag_says(
    server: ScriptedProvider, tmp_path: Path, mode: str, access: str
) -> None:
    """Everybody reads it; who presents may write where the flag allows it."""
    launch = tmp_path / "project"
    launch.mkdir()
    (launch / "notes.txt").write_text("n")
    path = write_config(tmp_path, server.openai_url, MODELS)
    done = massgen(launch, "--automation", "--config", path, "--cwd-context", mode, "Q")
    assert done.returncode == 0, done.stderr
    assert f"- {launch} (read)" in first_of(server).view.system
    workflow = {"vote", "new_answer"}
    (presenting,) = (request for request in server.requests if not workflow & set(request.view.tool_names))
    assert f"- {launch} ({access})" in presenting.view.system


FAKE_LOGFIRE = """
import contextlib
import os
def configure(**options):
    with open(os.environ["CONFIGURED"], "a") as file:
        file.write(options["service_name"] + "\\n")
class Logfire:
    def __init__(self, *arguments, **options): pass
    def with_settings(self, **options): return self
    def span(self, *arguments, **options): return contextlib.nullcontext()
LogfireSpan = Logfire
"""


@pytest.mark.spec("CLI-037", "LOG-110", "LOG-111")
@pytest.mark.parametrize("display", ["--automation", "--no-display"])
def test_logfire_without_the_package_is_a_warning_and_no_more(
    server: ScriptedProvider, tmp_path: Path, display: str
) -> None:
    stub = tmp_path / "stub"
    stub.mkdir()
    (stub / "logfire.py").write_text("raise ModuleNotFoundError('no logfire')")
    path = write_config(tmp_path, server.openai_url, MODELS)
    done = massgen(tmp_path, display, "--config", path, "--logfire", "Q", env=importing(stub))
    assert done.returncode == 0
    words = "⚠️ Logfire not installed. Install with: pip install massgen[observability]"
    assert done.stderr.count(words) == 1 and words not in done.stdout


@pytest.mark.spec("CLI-037", "LOG-110")
def test_logfire_is_configured_by_the_flag_or_the_variable_only(server: ScriptedProvider, tmp_path: Path) -> None:
    stub = tmp_path / "stub"
    stub.mkdir()
    (stub / "logfire.py").write_text(FAKE_LOGFIRE)
    seen = tmp_path / "configured"
    env = {**importing(stub), "LOGFIRE_TOKEN": "t", "CONFIGURED": str(seen)}
    asked(tmp_path, server, env=env)
    assert not seen.exists()
    asked(tmp_path, server, "--logfire", env=env)
    asked(tmp_path, server, env={**env, "MASSGEN_LOGFIRE_ENABLED": "true"})
    assert seen.read_text().splitlines() == ["massgen", "massgen"]


def importing(stub: Path) -> dict[str, str]:
    return {"PYTHONPATH": os.pathsep.join(filter(None, (str(stub), os.environ.get("PYTHONPATH"))))}


@pytest.mark.spec("COORD-115")
@pytest.mark.parametrize("display", ["--automation", "--no-display"])
def test_a_normal_end_says_that_it_is_complete_and_how_long_it_took(
    server: ScriptedProvider, tmp_path: Path, display: str
) -> None:
    path = write_config(tmp_path, server.openai_url, MODELS)
    done = massgen(tmp_path, display, "--config", path, "Q")
    said, silent = (done.stderr, done.stdout) if display == "--automation" else (done.stdout, done.stderr)
    lines = said.splitlines()
    position = lines.index("✅ Coordination complete!")
    assert lines[position + 1].startswith("⏱️ Total time: ") and lines[position + 1].endswith(" seconds")
    assert "Coordination complete" not in silent


PLANNING = "orchestrator: {coordination: {enable_planning_mode: true}}\n"


@pytest.mark.spec("COORD-132")
@pytest.mark.parametrize(("backend", "warned"), [
    ("{type: azure_openai, model: m}", True),
    ("{type: ag2, agent_config: {type: assistant}}", True),
    *((f"{{type: {name}, model: m, base_url: 'http://127.0.0.1:9/v1'}}", False) for name in (
        "claude", "claude_code", "codex", "gemini", "openai", "grok", "chatcompletion", "lmstudio", "vllm", "sglang",
    )),
])  # fmt: skip
def test_planning_mode_is_ignored_with_a_warning_where_it_does_not_work(
    tmp_path: Path, backend: str, warned: bool
) -> None:
    from massgen.config import load_config

    path = tmp_path / "team.yaml"
    path.write_text(f"agent: {{id: a, backend: {backend}}}\n{PLANNING}")
    found = [item for item in load_config(path).diagnostics if "Planning mode" in item.message]
    assert [item.level for item in found] == (["warning"] if warned else [])


@pytest.mark.spec("AUTO-085")
@pytest.mark.parametrize(("mode", "noted"), [("docker", True), ("local", False)])
def test_an_agent_that_runs_massgen_in_a_container_gets_a_note(tmp_path: Path, mode: str, noted: bool) -> None:
    path = tmp_path / "team.yaml"
    path.write_text(
        "agent:\n  id: meta\n  system_message: Run massgen --automation and report.\n"
        "  backend: {type: openai, model: m, cwd: w, enable_mcp_command_line: true, "
        f"command_line_execution_mode: {mode}}}\n"
    )
    done = massgen(tmp_path, "--validate", path)
    assert done.returncode == 0, done.stdout
    assert ("neither the credentials of this machine nor the massgen package" in done.stdout) == noted


@contextmanager
def serving(launch: Path, *flags: str, **variables: str) -> Iterator[str]:
    """`massgen serve` until the end of the block; the line in which it says where it serves."""
    env = {**environment(launch), **variables}
    process = subprocess.Popen(
        command("serve", *flags), cwd=launch, env=env, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True
    )
    try:
        assert process.stderr is not None
        said = next((line for line in process.stderr if "Serving" in line), "")
        assert said, "the server has ended"
        yield said
    finally:
        process.terminate()
        process.communicate(timeout=250)


def health(port: int) -> object:
    return httpx2.get(f"http://127.0.0.1:{port}/health", timeout=250, trust_env=False).json()


@pytest.mark.spec("CLI-080", "SRV-005")
@pytest.mark.parametrize("flagged", [True, False])
def test_flags_of_serve_beat_the_variables(tmp_path: Path, flagged: bool) -> None:
    path = write_config(tmp_path, "http://127.0.0.1:9/v1", ("m1",))
    ours, theirs = quiet_port(), quiet_port()
    variables = {"MASSGEN_SERVER_PORT": str(theirs), "MASSGEN_SERVER_HOST": "127.0.0.1"}
    flags = ("--port", str(ours), "--host", "127.0.0.1") if flagged else ()
    served, other = (ours, theirs) if flagged else (theirs, ours)
    with serving(tmp_path, "--config", str(path), *flags, **variables) as said:
        assert f"http://127.0.0.1:{served}/v1" in said and str(path) in said
        assert health(served) == {"status": "ok"}
        with pytest.raises(httpx2.ConnectError):
            health(other)
