from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.logs.place import Massgen
from tests.views.scene import Scene

GIST = "abc123def4567890"
FAKE_GH = """\
#!/bin/sh
echo "$@" >> "{log}"
case "$1 $2" in
  "auth status") exit {auth} ;;
  "gist create")
    shift 4
    mkdir -p "{staged}"
    for file in "$@"; do cp "$file" "{staged}/"; done
    echo "- Creating gist" >&2
    echo "https://gist.github.com/someone/{gist}" ;;
  "api --paginate") cat "{listing}" ;;
  "gist delete") exit 0 ;;
  *) exit 3 ;;
esac
"""
LISTING = [
    {"id": GIST, "description": "MassGen session log_20251218_134125_867383", "updated_at": "2025-12-18T13:41:25Z"},
    {"id": "ffff00001111", "description": "my dotfiles", "updated_at": "2025-01-01T00:00:00Z"},
]


@pytest.fixture
def gh(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A `gh` that records its calls in `gh.log` and keeps what it is given in `staged`."""
    put_gh(tmp_path, auth=0)
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}")
    return tmp_path


def put_gh(where: Path, auth: int) -> None:
    (where / "bin").mkdir(exist_ok=True)
    (where / "listing").write_text(json.dumps(LISTING) + json.dumps([LISTING[1]]))
    program = where / "bin" / "gh"
    program.write_text(
        FAKE_GH.format(log=where / "gh.log", staged=where / "staged", listing=where / "listing", gist=GIST, auth=auth)
    )
    program.chmod(0o755)


def staged(where: Path) -> dict[str, str]:
    return {path.name: path.read_text(encoding="utf-8") for path in (where / "staged").iterdir()}


def three_turns(logs: Path) -> Scene:
    scene = Scene(logs / "log_20251218_134125_867383")
    for number, question in enumerate(("What is the capital of France?", "Tell me more", "And its river?"), 1):
        scene.begin(question, turn=number)
        scene.answer("ann", "agent1.1", f"Answer {number}.")
        scene.present("ann", "agent1.1", f"Answer {number}.")
        scene.end(*((2, "error", "No agent gave an answer.") if number == 2 else ()))
        (scene.here / "status.json").write_text(json.dumps(scene.snapshot()), encoding="utf-8")
        (scene.here / "massgen.log").write_text("private")
    return scene


@pytest.mark.spec("LOG-092")
@pytest.mark.parametrize(
    ("more", "answer", "uploads"), [((), b"n", False), (("--json",), b"n", False), ((), b"y", True)]
)
def test_a_person_is_asked_also_where_the_output_goes_into_a_pipe(
    logs: Path, gh: Path, more: tuple[str, ...], answer: bytes, uploads: bool
) -> None:
    three_turns(logs)
    person, terminal = os.openpty()
    os.write(person, answer + b"\n")
    command = [sys.executable, "-m", "massgen", "export", *more]
    done = subprocess.run(command, stdin=terminal, capture_output=True, text=True, timeout=250, check=False)
    for end in (person, terminal):
        os.close(end)
    assert "to a Gist?" in done.stderr and "to a Gist?" not in done.stdout
    assert (gh / "staged").exists() == uploads
    assert done.returncode == (0 if uploads else 4)


@pytest.mark.spec("LOG-090", "LOG-093", "LOG-096", "CLI-076")
def test_a_run_is_uploaded_and_the_address_is_told(logs: Path, massgen: Massgen, gh: Path) -> None:
    three_turns(logs)
    said = massgen("export", "--yes")
    assert said.code == 0, said.err
    lines = said.out.splitlines()
    assert lines[:6] == [
        "Sharing session from: log_20251218_134125_867383",
        "Session: log_20251218_134125_867383",
        "Turns: 3",
        "✓ Turn 1 - What is the capital of France?",
        "✗ Turn 2 - Tell me more",
        "✓ Turn 3 - And its river?",
    ]
    assert lines[6:8] == ["Warning: This session has errors", "Collecting files..."]
    files = staged(gh)
    size = sum(len(text.encode()) for text in files.values())
    assert lines[8] == f"Uploading {len(files)} files ({size:,} bytes)..."
    assert lines[9] == f"Share URL: https://massgen.github.io/MassGen-Viewer/?gist={GIST}"
    assert lines[10] == "Anyone with this link can view the session (no login required)."


@pytest.mark.spec("LOG-094", "LOG-096")
def test_what_is_uploaded_is_what_is_documented(logs: Path, massgen: Massgen, gh: Path) -> None:
    scene = three_turns(logs)
    workspace = scene.here / "final" / "ann" / "workspace"
    workspace.mkdir()
    (workspace / "index.html").write_text("<h1>hi</h1>")
    (workspace / "pic.png").write_bytes(b"\x89PNG\0\0data")
    assert massgen("export", "--yes").code == 0
    files = staged(gh)
    manifest = json.loads(files["_session_manifest.json"])
    assert [turn["status"] for turn in manifest["turns"]] == ["complete", "failed", "complete"]
    assert manifest["turns"][1]["error"] == "No agent gave an answer."
    for number in (1, 2, 3):
        prefix = f"turn_{number}__attempt_1__"
        for name in ("status.json", "metrics_summary.json", "coordination_events.json", "vote.json"):
            assert f"{prefix}{name}" in files
        assert files[f"{prefix}final__ann__answer.txt"] == f"Answer {number}."
    assert any(name.startswith("turn_1__attempt_1__ann__") for name in files)
    assert files["turn_3__attempt_1__final__ann__workspace__index.html"] == "<h1>hi</h1>"
    assert "turn_3__attempt_1__final__ann__workspace__pic.png.base64" in files


@pytest.mark.spec("LOG-095")
def test_private_large_and_secret_things_stay_here(
    logs: Path, massgen: Massgen, gh: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOME_API_KEY", "planted-in-the-environment")
    scene = three_turns(logs)
    workspace = scene.here / "final" / "ann" / "workspace"
    (workspace / "node_modules").mkdir(parents=True)
    planted = "key = 'sk-abcdefghijklmnop1234' and planted-in-the-environment; token ghp_abcdefghijklmnopqrstuvwxyz0123"
    (workspace / "app.js").write_text(planted)
    (workspace / ".env").write_text("KEY=planted-in-dotenv")
    (workspace / "id_rsa").write_text("-----BEGIN PRIVATE KEY-----\nabc")
    (workspace / "program.bin").write_bytes(b"\x7fELF\0\0")
    (workspace / "node_modules" / "lib.js").write_text("lib")
    (workspace / "big.css").write_text("x" * 600_000)
    (scene.here / "events.jsonl").write_text("e" * 10_000_001)
    said = massgen("export", "--yes")
    files = staged(gh)
    everything = "".join(files.values())
    for leak in (
        "sk-abcdefghijklmnop1234",
        "planted-in-the-environment",
        "planted-in-dotenv",
        "ghp_abcdef",
        "PRIVATE KEY",
    ):
        assert leak not in everything
    assert "[redacted]" in files["turn_3__attempt_1__final__ann__workspace__app.js"]
    for name in (
        "massgen.log",
        ".env",
        "id_rsa",
        "program.bin",
        "lib.js",
        "big.css",
        "turn_3__attempt_1__events.jsonl",
    ):
        assert not [file for file in files if file.endswith(name)], name
    assert said.err.count("looks sensitive") == 2


@pytest.mark.spec("LOG-091", "CLI-076")
@pytest.mark.parametrize(
    ("choice", "turns"), [("1", [1]), ("2", [1, 2]), ("2-3", [2, 3]), ("latest", [3]), ("all", [1, 2, 3])]
)
def test_turns_are_chosen(logs: Path, massgen: Massgen, choice: str, turns: list[int]) -> None:
    three_turns(logs)
    value = json.loads(massgen("export", "--dry-run", "--json", "--turns", choice).out)
    assert value["turns"] == turns
    assert {file["path"].split("/")[0] for file in value["files"][1:]} == {f"turn_{number}" for number in turns}


@pytest.mark.spec("LOG-091")
@pytest.mark.parametrize("choice", ["0", "3-2", "some", "9-9", "-1"])
def test_no_such_turns_is_an_error(logs: Path, massgen: Massgen, choice: str) -> None:
    three_turns(logs)
    assert massgen("export", "--dry-run", f"--turns={choice}").code == 1


@pytest.mark.spec("LOG-092")
def test_a_dry_run_uploads_nothing_and_needs_no_gh(
    logs: Path, massgen: Massgen, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path / "empty"))
    scene = three_turns(logs)
    said = massgen("export", str(scene.root), "--dry-run", "--verbose")
    assert said.code == 0
    assert "turn_1/attempt_1/status.json (" in said.out
    assert "nothing was uploaded" in said.out


@pytest.mark.spec("LOG-092")
def test_workspaces_can_be_limited_or_left_out(logs: Path, massgen: Massgen) -> None:
    scene = three_turns(logs)
    workspace = scene.here / "final" / "ann" / "workspace"
    workspace.mkdir()
    (workspace / "a.html").write_text("x" * 600_000)
    (workspace / "b.html").write_text("y" * 600_000)

    def shared(*flags: str) -> list[str]:
        value = json.loads(massgen("export", "--dry-run", "--json", *flags).out)
        return [Path(file["path"]).name for file in value["files"] if "workspace" in file["path"]]

    assert shared() == []
    assert shared("--workspace-limit", "1MB") == ["a.html"]
    assert shared("--workspace-limit", "1.2mb") == ["a.html", "b.html"]
    assert shared("--workspace-limit", "2MB", "--no-workspace") == []
    assert massgen("export", "--dry-run", "--workspace-limit", "lots").code == 1


@pytest.mark.spec("LOG-092")
def test_json_is_all_there_is_on_standard_output(logs: Path, massgen: Massgen, gh: Path) -> None:
    scene = three_turns(logs)
    value = json.loads(massgen("export", scene.root.name, "--json").out)
    assert value["url"] == f"https://massgen.github.io/MassGen-Viewer/?gist={GIST}"
    assert value["has_errors"] is True


@pytest.mark.spec("LOG-097", "CLI-077")
def test_without_gh_or_a_login_the_way_out_is_told(
    logs: Path, massgen: Massgen, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    three_turns(logs)
    monkeypatch.setenv("PATH", str(tmp_path / "empty"))
    said = massgen("export", "--yes")
    assert said.code != 0
    assert "Error: GitHub CLI (gh) not found. Install it from https://cli.github.com/" in said.err
    put_gh(tmp_path, auth=1)
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    said = massgen("export", "--yes")
    assert said.code != 0
    assert "Error: Not authenticated with GitHub. Run 'gh auth login' to enable sharing." in said.err
    assert not (tmp_path / "staged").exists()


@pytest.mark.spec("LOG-098", "CLI-078")
def test_own_sessions_are_listed_and_deleted(massgen: Massgen, gh: Path) -> None:
    said = massgen("shares", "list")
    assert said.code == 0
    assert GIST in said.out
    assert "log_20251218_134125_867383" in said.out
    assert "ffff00001111" not in said.out
    for name in (
        GIST,
        f"https://gist.github.com/someone/{GIST}",
        f"https://massgen.github.io/MassGen-Viewer/?gist={GIST}",
    ):
        assert massgen("shares", "delete", name).code == 0
    deleted = [line for line in (gh / "gh.log").read_text().splitlines() if line.startswith("gist delete")]
    assert [line.split()[-1] for line in deleted] == [GIST] * 3
    assert massgen("shares", "delete", "--", "-rf /").code == 1
