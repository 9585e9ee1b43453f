"""Quick commands stay free of heavy libraries, and the program starts in every documented way."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

HEAVY = (
    "anthropic", "openai", "google.genai", "mcp", "pydantic_ai", "rich", "starlette", "textual", "uvicorn",
)  # fmt: skip
COMMAND = """
import atexit, runpy, sys
heavy = sys.argv.pop(1).split(",")
atexit.register(lambda: print("heavy:", [name for name in heavy if name in sys.modules], file=sys.stderr))
sys.argv[0] = "massgen"
runpy.run_module("massgen", run_name="__main__", alter_sys=True)
"""
TEAM = """\
agents:
  - id: one
    backend: {type: openai, model: gpt-5, api_key: unused}
  - id: two
    backend: {type: claude, model: claude-sonnet-4-5, api_key: unused}
"""


def massgen(directory: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the command in a new process; the last line of stderr names the heavy packages it imported."""
    command = [sys.executable, "-c", COMMAND, ",".join(HEAVY), *arguments]
    return subprocess.run(command, cwd=directory, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("arguments", [["--help"], ["--list-examples"], ["--version"], ["--validate", "team.yaml"]])
def test_quick_commands_import_no_heavy_package(tmp_path: Path, arguments: list[str]) -> None:
    (tmp_path / "team.yaml").write_text(TEAM, encoding="utf-8")
    done = massgen(tmp_path, *arguments)
    assert done.returncode == 0, done.stderr
    assert done.stderr.splitlines()[-1] == "heavy: []"


@pytest.mark.spec("CFG-015")
def test_all_ways_to_start_the_program_are_the_same(tmp_path: Path) -> None:
    script = str(Path(sys.executable).with_name("massgen"))
    ways = [[script], [sys.executable, "-m", "massgen"], [sys.executable, "-m", "massgen.cli"]]
    helped = [
        subprocess.run([*way, "--help"], cwd=tmp_path, capture_output=True, text=True, check=False) for way in ways
    ]
    assert [done.returncode for done in helped] == [0, 0, 0]
    assert len({done.stdout for done in helped}) == 1
    assert helped[0].stdout.startswith("Usage: massgen")
