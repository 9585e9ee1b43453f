"""What agents get without asking for it, and what they are told of tools: through whole runs."""

from __future__ import annotations

import base64
import io
import json
import re
import wave
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from massgen.testing import ReceivedRequest, ScriptedProvider, Turn, call, use
from tests.interactive.teams import agent_turns, write_team
from tests.runs.place import KEY, Played, massgen, play, worker, write_config

MEDIA = str(Path(__file__).parent / "media_functions.py")
PNG = b"\x89PNG"
FILE_TOOLS = {"mcp__filesystem__read_file", "mcp__filesystem__write_file", "mcp__filesystem__edit_file"}


def quick(request: ReceivedRequest) -> Turn:
    """Writes a file, then says so; with or without workflow tools."""
    if not request.view.results:
        return use(call("mcp__filesystem__write_file", path="site.html", content="<h1>made</h1>"))
    return Turn(text="The site is made.")


@pytest.fixture(scope="module")
def server() -> Iterator[ScriptedProvider]:
    with ScriptedProvider({"quick": quick}).in_thread() as provider:
        yield provider


@pytest.mark.spec("WS-010", "WS-003")
def test_a_quick_start_by_flags_makes_a_workspace_and_offers_file_tools(
    server: ScriptedProvider, tmp_path: Path
) -> None:
    flags = ("--backend", "chatcompletion", "--model", "quick", "--base-url", server.openai_url)
    done = massgen(tmp_path, "--automation", *flags, "Create a site", env={"OPENAI_API_KEY": "sk-test-12345678"})
    assert done.returncode == 0, done.stderr
    assert set(server.requests_for("quick")[0].view.tool_names) >= FILE_TOOLS
    written = [path for path in (tmp_path / ".massgen").rglob("site.html") if path.read_text() == "<h1>made</h1>"]
    assert any("workspaces" in path.parts for path in written)
    assert sorted(path.name for path in tmp_path.iterdir() if not path.name.startswith(".")) == []


@pytest.mark.spec("WS-010")
def test_a_question_alone_works_with_files_of_the_default_configuration(
    server: ScriptedProvider, tmp_path: Path
) -> None:
    config = write_config(tmp_path, server.openai_url, ("quick",))
    home = tmp_path / "home"
    default = home / ".config" / "massgen" / "config.yaml"
    default.parent.mkdir(parents=True)
    default.write_text(config.read_text().replace("model: quick", "model: quick\n    cwd: workspace"))
    config.unlink()
    launch = tmp_path / "project"
    launch.mkdir()
    done = massgen(launch, "--automation", "Create a site", home=home)
    assert "CONFIG" not in done.stderr, done.stderr
    assert any(path.read_text() == "<h1>made</h1>" for path in (launch / ".massgen").rglob("site.html"))


@pytest.mark.spec("LOG-007", "EXEC-009")
def test_a_long_output_is_cut_for_the_model_and_whole_in_the_trace(tmp_path: Path) -> None:
    program = "print('begin' + 'x' * 102_400 + KEY + 'end')".replace("KEY", repr(KEY))
    command = call("mcp__command_line__execute_command", command=f'python3 -c "{program}"')
    played = play(
        tmp_path,
        {"m": worker("Done.", lambda request: (command,))},
        backend={"cwd": "workspace", "enable_mcp_command_line": True},
    )
    given = [result.text for request in played.asked("m") for result in request.view.results]
    assert given and all("left out" in text and len(text) < 45_000 for text in given)
    traces = [path.read_text() for path in played.attempt.glob("agent_a/*/execution_trace.md")]
    assert any(f"begin{'x' * 102_400}[redacted]end" in trace for trace in traces)
    assert all("left out" not in trace for trace in traces)


@pytest.mark.spec("WS-003")
def test_cwd_alone_gives_the_file_tools(tmp_path: Path) -> None:
    played = play(tmp_path, {"one": worker("Done.")}, backend={"cwd": "workspace"})
    assert set(played.asked("one")[0].view.tool_names) >= FILE_TOOLS
    bare = play(tmp_path, {"one": worker("Done.")})
    assert not FILE_TOOLS & set(bare.asked("one")[0].view.tool_names)


@pytest.mark.spec("TOOL-041")
@pytest.mark.parametrize("backend", [{"cwd": "workspace"}, {}], ids=["with tools", "without tools"])
def test_an_unknown_tool_is_told_and_the_turn_goes_on(backend: dict[str, Any], tmp_path: Path) -> None:
    played = play(tmp_path, {"one": worker("Done.", lambda request: (call("my_tool"),))}, backend=backend)
    told = [result.text for request in played.asked("one") for result in request.view.results]
    assert any("ToolNotFound: No tool named 'my_tool' exists" in text for text in told), told
    assert (played.result.exit_code, played.result.answer) == (0, "Done.")


def media_run(launch: Path, function: str, backend: dict[str, Any] | None = None) -> Played:
    first = lambda request: (call(f"custom_tool__{function}"),)  # noqa: E731 - one call
    tools = [{"path": MEDIA, "function": function}]
    more = {"cwd": "workspace", "custom_tools": tools, **(backend or {})}
    return play(launch, {"one": worker("Done.", first)}, backend=more)


def results(played: Played) -> str:
    return "".join(result.text for request in played.asked("one") for result in request.view.results)


@pytest.mark.spec("TOOL-004")
@pytest.mark.parametrize("kind", ["chatcompletion", "openai"])
def test_a_picture_of_a_function_reaches_a_model_that_sees(kind: str, tmp_path: Path) -> None:
    played = media_run(tmp_path, "picture", {"type": kind})
    assert played.result.exit_code == 0
    sent = json.dumps([request.json for request in played.asked("one")])
    encoded = re.findall(r"data:image/png;base64,([A-Za-z0-9+/=]+)", sent)
    assert encoded and base64.b64decode(encoded[0]).startswith(PNG)
    assert "saved as" not in results(played)


@pytest.mark.spec("TOOL-004")
def test_a_picture_becomes_a_file_that_exists_where_the_model_reads_text_only(tmp_path: Path) -> None:
    name = "custom_tool__picture"
    answers, presents, votes = agent_turns("amber")
    after = {"when": {"answers_below": 1, "after_tool": name}, "answer": answers["answer"], "delay": 0.0}
    first = {"when": {"answers_below": 1}, "calls": [{"name": name}], "delay": 0.0}
    tools = {"cwd": "workspace", "custom_tools": [{"path": MEDIA, "function": "picture"}]}
    config = write_team(
        tmp_path, ("amber",), turns={"amber": [presents, after, first, votes]}, questions=["Q?"], backend=tools
    )
    done = massgen(tmp_path, "--automation", "--config", config, "Q?")
    assert done.returncode == 0, done.stderr
    logs = tmp_path / ".massgen" / "massgen_logs"
    told = "".join(path.read_text() for path in logs.glob("log_2*/turn_1/**/llm_calls/*.json"))
    found = re.search(r"image/png saved as (tool_media/\w+\.png)", told)
    assert found
    kept = list((tmp_path / ".massgen").rglob(found.group(1)))
    assert kept and kept[0].read_bytes().startswith(PNG)


@pytest.mark.spec("TOOL-005")
def test_a_sound_becomes_a_file_that_exists_where_the_model_does_not_hear(tmp_path: Path) -> None:
    played = media_run(tmp_path, "sound")
    assert played.result.exit_code == 0
    found = re.search(r"audio/wav saved as (\S+)\]", results(played))
    assert found
    kept = list((tmp_path / ".massgen").rglob(Path(found.group(1)).name))
    assert kept
    with wave.open(io.BytesIO(kept[0].read_bytes())) as sound:
        assert sound.getnframes() == 80
    assert "input_audio" not in json.dumps([request.json for request in played.asked("one")])
