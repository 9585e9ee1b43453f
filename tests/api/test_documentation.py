"""The snippets of the guide run as printed."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.needs import CLIENTS, needs

ROOT = Path(__file__).resolve().parents[2]
PAGES = ("docs/guide/python.md", "docs/reference/python.md")


def snippets() -> list[tuple[str, str]]:
    """(name, program) of every Python block that is a whole program."""
    found = []
    for page in PAGES:
        blocks = re.findall(r"```python\n(.*?)```", (ROOT / page).read_text(encoding="utf-8"), re.DOTALL)
        found += [(f"{page}:{number}", block) for number, block in enumerate(blocks, 1) if "import massgen" in block]
    return found


PYTHONS = {True: str(CLIENTS / "bin" / "python"), False: sys.executable}
CASES = [
    pytest.param(program, id=name, marks=needs("clients") if "import litellm" in program else ())
    for name, program in snippets()
]


@pytest.mark.slow
@pytest.mark.parametrize("program", CASES)
def test_a_snippet_runs_as_printed(program: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LITELLM_LOCAL_MODEL_COST_MAP", "True")
    command = [PYTHONS["import litellm" in program], "-c", program]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=250)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip()
    assert (tmp_path / ".massgen").is_dir()


@pytest.mark.slow
@pytest.mark.spec("API-070")
def test_the_evaluation_workflow_runs_unchanged(tmp_path: Path) -> None:
    program = """
import asyncio
import massgen

questions = ["Tabs or spaces?", "Vim or Emacs?"]

async def evaluate():
    results = []
    for question in questions:
        result = await massgen.run(query=question, config="@examples/demo/duo", enable_logging=True)
        results.append({
            "question": question,
            "answer": result["final_answer"],
            "log_directory": result["log_directory"],
        })
    return results

for row in asyncio.run(evaluate()):
    print(row["log_directory"])
"""
    done = subprocess.run([sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True, timeout=250)
    assert done.returncode == 0, done.stderr
    logs = done.stdout.split()
    assert len(set(logs)) == 2
    assert all((Path(log) / "turn_1").is_dir() for log in logs)
