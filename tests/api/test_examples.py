"""The examples and the README's commands run as they are written."""

from __future__ import annotations

import asyncio
import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from massgen.testing import ScriptedProvider, answer_then_vote
from massgen.testing.replies import Turn, call
from tests.needs import CLIENTS, needs
from tests.server.place import serving

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = ROOT / "examples"
BIN = Path(sys.executable).parent
SAYS = {
    "afterwards.sh": "",
    "automation.sh": "The winner is ",
    "run.py": "everything about it: ",
    "conversation.py": " answered: ",
    "server.sh": "data: [DONE]",
}


def run(command: list[str], folder: Path, **environment: str) -> str:
    """Standard output of a command that must succeed; the commands of this environment come first."""
    path = f"{BIN}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        command,
        cwd=folder,
        env={**os.environ, "PATH": path, **environment},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=250,
        check=False,
    )
    assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"
    return done.stdout


def test_the_list_of_examples_is_complete() -> None:
    listed = re.findall(r"\]\(([\w.]+)\)", (EXAMPLES / "README.md").read_text(encoding="utf-8"))
    assert sorted(listed) == sorted(path.name for path in EXAMPLES.iterdir() if path.suffix in (".py", ".sh"))
    assert set(listed) == {*SAYS, "completion.py", "functions.py"}


@needs("curl")
@pytest.mark.parametrize("name", SAYS)
def test_an_example_runs(name: str, tmp_path: Path) -> None:
    interpreter = [sys.executable] if name.endswith(".py") else ["bash"]
    assert SAYS[name] in run([*interpreter, str(EXAMPLES / name)], tmp_path)


@needs("clients")
def test_the_example_of_litellm_runs(tmp_path: Path) -> None:
    python = str(CLIENTS / "bin" / "python")
    said = run([python, str(EXAMPLES / "completion.py")], tmp_path, LITELLM_LOCAL_MODEL_COST_MAP="True")
    assert "chosen: agent_" in said


@pytest.mark.spec("SRV-011")
def test_the_example_of_functions_runs(tmp_path: Path) -> None:
    def team(request):
        if "pieces of lamps" in request.view.text:
            return answer_then_vote("Five: no.")(request)
        if "stock" in request.view.tool_names:
            return Turn(calls=(call("stock", article="lamps"),))
        return answer_then_vote("Look into the stock.")(request)

    async def story() -> None:
        async with serving(tmp_path, {"model-a": team}) as place:
            command = [sys.executable, str(EXAMPLES / "functions.py"), f"{place.url}/v1"]
            said = await asyncio.to_thread(run, command, tmp_path)
            assert said == "the team asks: 5 pieces of lamps\nFive: no.\n"

    asyncio.run(story())


def readme_commands() -> list[str]:
    """The `massgen` commands of the README's console blocks."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    blocks = re.findall(r"```console\n(.*?)```", text, re.DOTALL)
    lines = [line.removeprefix("$ ").partition("  #")[0] for block in blocks for line in block.splitlines()]
    return [line for line in lines if line.startswith("massgen ")]


@pytest.mark.timeout(900)
def test_the_commands_and_the_doors_of_the_readme_work(tmp_path: Path) -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    (team,) = re.findall(r"```yaml\n(.*?)```", text, re.DOTALL)
    (tmp_path / "team.yaml").write_text(team)
    models = re.findall(r"model: ([\w.-]+)", team)
    commands = readme_commands()
    assert len(models) == 3 and len(commands) == 3
    doors = re.findall(r"`(massgen (?:--automation|explain|tools) [^`]*)`", text)
    assert len(doors) == 3
    with ScriptedProvider({model: answer_then_vote("Insertion sort.") for model in models}).in_thread() as server:
        environment = {
            "OPENAI_API_KEY": "sk-test", "ANTHROPIC_API_KEY": "sk-test", "GOOGLE_API_KEY": "sk-test",
            "OPENAI_BASE_URL": server.openai_url, "ANTHROPIC_BASE_URL": server.base_url,
            "GEMINI_BASE_URL": server.base_url,
        }  # fmt: skip
        for command in (*commands, *doors):
            run(shlex.split(command), tmp_path, **environment)
    logs = [path for path in (tmp_path / ".massgen" / "massgen_logs").glob("log_2*") if path.is_dir()]
    winners = [json.loads(next(log.rglob("status.json")).read_text())["is_complete"] for log in logs]
    assert winners and all(winners)
