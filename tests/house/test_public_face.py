"""The names a program may rely on are the documented ones."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import massgen

PAGE = Path(__file__).resolve().parents[2] / "docs" / "reference" / "python.md"


def documented() -> list[str]:
    """First cells of the table under "Name", in the order of the page."""
    table = PAGE.read_text(encoding="utf-8").split("| Name |", 1)[1].split("\n\n", 1)[0]
    return re.findall(r"^\| `([A-Za-z_]+)", table, re.MULTILINE)


def test_the_public_names_are_sorted_and_are_those_of_the_reference_page() -> None:
    assert list(massgen.__all__) == sorted(massgen.__all__)
    assert sorted(documented()) == list(massgen.__all__)


def test_every_public_name_can_be_reached() -> None:
    assert [name for name in massgen.__all__ if getattr(massgen, name, None) is None] == []


def test_importing_the_package_imports_no_other_package() -> None:
    code = "import sys, massgen; print([n for n in sys.modules if n.split('.')[0] in sys.argv[1:]])"
    others = ["pydantic", "yaml", "click", "httpx2", "pydantic_ai", "mcp", "textual", "starlette", "rich"]
    done = subprocess.run([sys.executable, "-c", code, *others], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
