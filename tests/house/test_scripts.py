"""The checks of `make lint` find what they are for."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

SCRIPTS = Path(__file__).resolve().parents[2] / "scripts"
PAGE = """\
# A page

| ID | Requirement | Source | How to check |
|---|---|---|---|
| AA-001 (core) | It does this. | a.rst | Look |
| AA-002 (full) | It does \\| that. | a.rst | Look |
| AA-003 (edge) | See AA-001, AA-002. | a.rst | Look |
"""


def run(script: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(SCRIPTS / script), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    for folder in ("massgen", "scripts", "tests", "docs/spec"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "docs/spec/page.md").write_text(PAGE)
    return tmp_path


def function_of(lines: int) -> str:
    return "def grow():\n" + "    x = 1\n" * (lines - 1)


def claim(repository: Path, *ids: str) -> None:
    names = ", ".join(f'"{row}"' for row in ids)
    (repository / "tests/test_it.py").write_text(f"import pytest\n\n@pytest.mark.spec({names})\ndef test_it(): ...\n")


def test_a_function_of_50_lines_fits(repository: Path) -> None:
    (repository / "massgen/tree.py").write_text(function_of(50))
    assert run("size_ratchet.py", str(repository)).returncode == 0


def test_a_longer_function_is_named(repository: Path) -> None:
    (repository / "massgen/tree.py").write_text(function_of(51))
    done = run("size_ratchet.py", str(repository))
    assert (done.returncode, done.stdout) == (1, "massgen/tree.py:grow: 51 lines, at most 50\n")


def test_a_module_of_more_than_400_lines_is_named(repository: Path) -> None:
    (repository / "massgen/tree.py").write_text("x = 1\n" * 401)
    done = run("size_ratchet.py", str(repository))
    assert (done.returncode, done.stdout) == (1, "massgen/tree.py: 401 lines, at most 400\n")


def test_a_listed_exception_may_not_grow_and_must_be_lowered_when_it_shrinks(repository: Path) -> None:
    (repository / "massgen/tree.py").write_text(function_of(60))
    listed = repository / "scripts/size_exceptions.txt"
    listed.write_text("massgen/tree.py:grow 60\n")
    assert run("size_ratchet.py", str(repository)).returncode == 0
    listed.write_text("massgen/tree.py:grow 59\n")
    assert "its exception allows 59" in run("size_ratchet.py", str(repository)).stdout
    listed.write_text("massgen/tree.py:grow 61\n")
    assert "lower its exception" in run("size_ratchet.py", str(repository)).stdout


def test_coverage_counts_claimed_rows_and_pointers_to_them(repository: Path) -> None:
    claim(repository, "AA-001", "AA-002")
    done = run("spec_coverage.py", "--root", str(repository))
    assert done.returncode == 0
    assert done.stdout.splitlines()[-2].split() == ["all", "1/1", "1/1", "1/1", "3/3"]


def test_coverage_leaves_out_rows_that_wait(repository: Path) -> None:
    claim(repository, "AA-001")
    (repository / "docs/spec/later.txt").write_text("AA-002 that is not built yet\n")
    done = run("spec_coverage.py", "--root", str(repository))
    assert done.stdout.splitlines()[-2].split() == ["all", "1/1", "-", "-", "1/1"]


def test_a_claim_of_a_row_that_does_not_exist_fails(repository: Path) -> None:
    claim(repository, "AA-009")
    done = run("spec_coverage.py", "--root", str(repository), "--quiet")
    assert (done.returncode, done.stderr) == (1, "tests/test_it.py:3: AA-009 is not a row of docs/spec\n")


def test_a_claim_of_a_row_that_waits_fails(repository: Path) -> None:
    claim(repository, "AA-001")
    (repository / "docs/spec/later.txt").write_text("AA-001 this is not built yet\n")
    done = run("spec_coverage.py", "--root", str(repository), "--quiet")
    assert done.returncode == 1
    assert "later.txt says: this is not built yet" in done.stderr


def test_a_waiting_row_needs_a_reason(repository: Path) -> None:
    (repository / "docs/spec/later.txt").write_text("AA-001\n")
    assert run("spec_coverage.py", "--root", str(repository), "--quiet").returncode == 1


def test_the_copy_of_the_specification_leads_nowhere_outside(tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.mkdir()
    (source / "a.md").write_text('In tables "Source" is relative to `shared/seeds`.\n')
    done = run("copy_spec.py", str(source), str(tmp_path / "copy"))
    assert done.returncode == 0
    copied = (tmp_path / "copy/a.md").read_text()
    assert copied == "In tables \"Source\" is relative to the product's documentation.\n"


def test_a_reference_that_the_copy_cannot_resolve_is_reported(tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.mkdir()
    (source / "a.md").write_text("See shared/other/page.\n")
    done = run("copy_spec.py", str(source), str(tmp_path / "copy"))
    assert (done.returncode, "a.md: shared/" in done.stdout) == (1, True)
