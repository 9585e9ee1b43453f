"""LiteLLM as a door where the library is not there; tests/clients has the others."""

from __future__ import annotations

import subprocess
import sys

import pytest


@pytest.mark.spec("API-061")
def test_without_litellm_the_package_imports_and_registering_says_what_to_install() -> None:
    code = (
        "import sys, importlib.abc\n"
        "class Absent(importlib.abc.MetaPathFinder):\n"
        "    def find_spec(self, name, path, target=None):\n"
        "        if name.split('.')[0] == 'litellm': raise ModuleNotFoundError(name)\n"
        "sys.meta_path.insert(0, Absent())\n"
        "import massgen\n"
        "print(massgen.LITELLM_AVAILABLE)\n"
        "try: massgen.register_with_litellm()\n"
        "except massgen.MassGenError as error: print(error)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("False\n")
    assert "pip install 'massgen[litellm]'" in done.stdout
