"""Runs the tests of `inside` with the Python of `make clients`, all in one process, and reports each as a test."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path
from xml.etree import ElementTree

import pytest

from tests.needs import CLIENTS, needs

FOLDER = Path(__file__).resolve().parent / "inside"
ROOT = FOLDER.parents[2]
OPTIONS = ("-o", "junit_family=xunit1", "-o", "filterwarnings=ignore")
"""Other people's libraries warn, and leave their connections to the garbage collector."""


def names() -> list[str]:
    """`module:function` of every test in the folder."""
    return [
        f"{path.stem}:{name}"
        for path in sorted(FOLDER.glob("test_*.py"))
        for name in re.findall(r"^(?:async )?def (test_\w+)", path.read_text(encoding="utf-8"), re.MULTILINE)
    ]


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, list[str]], str]:
    """What went wrong in each case of each test, and the whole output."""
    file = tmp_path_factory.mktemp("clients") / "report.xml"
    done = subprocess.run(
        [CLIENTS / "bin" / "python", "-m", "pytest", str(FOLDER), "--junitxml", str(file), *OPTIONS],
        cwd=ROOT,
        env={**os.environ, "LITELLM_LOCAL_MODEL_COST_MAP": "True"},
        capture_output=True,
        text=True,
        timeout=1200,
        check=False,
    )
    found: dict[str, list[str]] = {}
    if file.is_file():
        for case in ElementTree.parse(file).iter("testcase"):
            module = case.get("classname", "").rpartition(".")[2]
            name = f"{module}:{case.get('name', '').partition('[')[0]}"
            faults = [part.tag for part in case if part.tag in ("failure", "error", "skipped")]
            found.setdefault(name, []).extend(faults)
    return found, done.stdout + done.stderr


@needs("clients")
@pytest.mark.timeout(1300)
@pytest.mark.parametrize("name", names())
def test_inside(name: str, report: tuple[dict[str, list[str]], str]) -> None:
    found, output = report
    assert found.get(name) == [], output[-6000:]
