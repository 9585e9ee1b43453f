"""A checkout becomes a working environment with one command."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

from tests.needs import needs

ROOT = Path(__file__).resolve().parents[2]
FILES = ("Makefile", "README.md", "LICENSE", "pyproject.toml", "constraints.txt")


@needs("make")
@pytest.mark.slow
@pytest.mark.spec("CFG-019")
def test_the_set_up_script_makes_an_environment_with_the_command(tmp_path: Path) -> None:
    """Without the network: what packages need is taken from the environment that runs the test."""
    for name in FILES:
        shutil.copy(ROOT / name, tmp_path / name)
    for folder in ("massgen", "scripts"):
        shutil.copytree(ROOT / folder, tmp_path / folder, ignore=shutil.ignore_patterns("__pycache__"))
    offline = {
        "HOME": str(tmp_path),
        "PATH": "/usr/bin:/bin",
        "PYTHON": sys.executable,
        "PYTHONPATH": sysconfig.get_path("purelib"),
        "PIP_NO_INDEX": "1",
        "PIP_NO_DEPS": "1",
        "PIP_NO_BUILD_ISOLATION": "false",
    }
    done = subprocess.run(
        ["./scripts/init.sh"], cwd=tmp_path, env=offline, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    python = str(tmp_path / ".venv/bin/python")
    where = subprocess.run(
        [python, "-c", "import massgen; print(massgen.__file__)"],
        cwd="/",
        env={"PATH": os.defpath},
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert Path(where.strip()) == tmp_path / "massgen" / "__init__.py"
    assert (tmp_path / ".venv/bin/massgen").is_file()
