"""The repository itself: what has to be in it, and what must not."""

from __future__ import annotations

import re
import subprocess
from importlib import metadata
from pathlib import Path

import pytest

from tests.needs import COMMANDS, needs

ROOT = Path(__file__).resolve().parents[2]
LINK = re.compile(r"\]\(([^)#\s]+)(?:#[^)]*)?\)")


def tracked() -> list[Path]:
    """Every file of the repository, or of the folder where it is not one."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    return [ROOT / name for name in listed.split("\0") if name and (ROOT / name).is_file()]


@needs("git")
@pytest.mark.spec("MM-134")
def test_what_runs_leave_behind_is_ignored_by_git() -> None:
    done = subprocess.run(["git", "check-ignore", ".massgen/x"], cwd=ROOT, capture_output=True, check=False)
    assert done.returncode == 0


@pytest.mark.spec("CFG-014")
def test_the_template_for_keys_lists_every_variable_of_the_contract() -> None:
    page = (ROOT / "docs/spec/config-cli-backends.md").read_text(encoding="utf-8")
    table = page.split("Environment variables (", 1)[1].split("| Variable |", 1)[1].split("\n\n", 1)[0]
    cells = (re.sub(r"\([^)]*\)", "", line.split("|")[1]) for line in table.splitlines()[2:])
    documented = {name for cell in cells for name in re.findall(r"`([A-Z][A-Z0-9_]+)`", cell)}
    template = (ROOT / ".env.example").read_text(encoding="utf-8")
    offered = set(re.findall(r"^([A-Z][A-Z0-9_]+)=$", template, re.MULTILINE))
    assert len(documented) > 40
    assert documented - offered == set()


@pytest.mark.spec("CMP-030")
def test_the_licence_is_apache_2() -> None:
    assert metadata.metadata("massgen")["License-Expression"] == "Apache-2.0"
    assert "Apache License\n                           Version 2.0" in (ROOT / "LICENSE").read_text(encoding="utf-8")


def test_older_pythons_are_refused_by_the_package() -> None:
    assert metadata.metadata("massgen")["Requires-Python"] == ">=3.11"


@pytest.mark.spec("CFG-016")
@pytest.mark.parametrize("extra", ["observability", "litellm", "video", "external", "docker", "memory"])
def test_every_documented_extra_can_be_installed(extra: str) -> None:
    assert extra in (metadata.metadata("massgen").get_all("Provides-Extra") or [])


@pytest.mark.spec("AUTO-024")
def test_the_short_guide_for_agents_names_all_exit_codes_and_line_formats() -> None:
    guide = (ROOT / "AI_USAGE.md").read_text(encoding="utf-8")
    assert re.findall(r"^\| ([0-9]) \|", guide, re.MULTILINE) == ["0", "1", "2", "3", "4"]
    for start in ("LOG_DIR: ", "STATUS: ", "QUESTION: ", "WINNER: ", "ANSWER_FILE: ", "DURATION: ", "COMPLETED: "):
        assert f"\n{start}" in guide


@needs("git")
def test_every_link_in_the_documentation_leads_somewhere() -> None:
    pages = [path for path in tracked() if path.suffix == ".md" and "spec" not in path.parts]
    broken = [
        f"{page.relative_to(ROOT)}: {target}"
        for page in pages
        for target in LINK.findall(page.read_text(encoding="utf-8"))
        if "://" not in target and not target.startswith("mailto:") and not (page.parent / target).exists()
    ]
    assert broken == []


def test_the_index_of_the_documentation_lists_every_page() -> None:
    docs = ROOT / "docs"
    listed = {(docs / target).resolve() for target in LINK.findall((docs / "README.md").read_text(encoding="utf-8"))}
    pages = {page for folder in ("guide", "reference", "design") for page in (docs / folder).glob("*.md")}
    assert pages - listed == set()


@needs("git")
def test_the_tree_names_no_package_registry_and_no_folder_of_one_machine() -> None:
    hosts = ("pypi" + ".org", "files." + "pythonhosted.org", "registry." + "npmjs.org", "deb." + "debian.org")
    folders = re.compile(r"(^|[^\w.-])/(work|farm)" + "/")
    found = []
    for path in tracked():
        try:
            text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue
        if any(host in text for host in hosts) or folders.search(text):
            found.append(str(path.relative_to(ROOT)))
    assert found == []


def test_ci_installs_every_program_that_a_test_may_need() -> None:
    lines = (ROOT / ".ci/packages").read_text(encoding="utf-8").splitlines()
    installed = {line.split()[0] for line in lines if line.strip() and not line.startswith("#")}
    named = {
        program
        for path in (ROOT / "tests").rglob("test_*.py")
        for call in re.findall(r"\bneeds\(([^)]*)\)", path.read_text(encoding="utf-8"))
        for program in re.findall(r"[\"']([\w.+-]+)[\"']", call)
    }
    assert {COMMANDS.get(program, [program])[0] for program in named} - installed == set()


@pytest.mark.parametrize("file", ["constraints.txt", "tests/clients/constraints.txt"])
def test_all_versions_are_pinned_and_no_address_is_recorded(file: str) -> None:
    lines = (ROOT / file).read_text(encoding="utf-8").splitlines()
    pins = [line for line in lines if not line.startswith("#")]
    assert len(pins) > 40
    assert [line for line in pins if not re.fullmatch(r"[a-z0-9-]+==[0-9][\w.!+]*", line)] == []
