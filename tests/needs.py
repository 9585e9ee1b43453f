"""Marks for tests that need a program of the machine, or the environment of `make clients`.

`make test` skips such a test where the program is missing and lists it; with MASSGEN_TEST_ALL=1 (as in CI,
which installs all of them) a missing program is a failure.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
CLIENTS = ROOT / ".venv-clients"
"""The environment of `make clients`: LiteLLM, its proxy, LangChain."""
COMMANDS = {
    "clients": ["make", "--question", "-C", str(ROOT), "clients"],
    "docker": ["docker", "info"],
    "bwrap": ["bwrap", "--ro-bind", "/", "/", "--unshare-pid", "true"],
    "chromium": ["chromium", "--version"],
    "git": ["git", "--version"],
    "node": ["node", "--version"],
    "rg": ["rg", "--version"],
    "tmux": ["tmux", "-V"],
}


@cache
def present(program: str) -> bool:
    """Whether `program` is installed and answers."""
    command = COMMANDS.get(program, [program, "--version"])
    if shutil.which(command[0]) is None:
        return False
    return subprocess.run(command, capture_output=True, timeout=250, check=False).returncode == 0


def needs(*programs: str) -> pytest.MarkDecorator:
    """Skip the test where one of `programs` is missing; let it fail where everything must be present."""
    missing = [program for program in programs if not present(program)]
    required = os.environ.get("MASSGEN_TEST_ALL") == "1"
    return pytest.mark.skipif(bool(missing) and not required, reason=f"needs {', '.join(missing)}")
