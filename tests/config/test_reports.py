"""What `--validate`, `--list-examples` and the library print and return."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import pytest

from massgen.cli.examples import run_config_schema, run_example, run_list_examples
from massgen.cli.validate import run_validate
from massgen.config import example_names
from massgen.config_validator import ConfigValidator
from massgen.errors import ConfigError
from tests.config.places import MINIMAL

ROOT = Path(__file__).parent.parent.parent
WARNED = MINIMAL + "orchestrater: {}\n"
BROKEN = "agents:\n  - id: a\n    backend: {type: gpt, model: m}\n"


@pytest.fixture
def written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Path]:
    monkeypatch.chdir(tmp_path)
    texts = {"good": MINIMAL, "warned": WARNED, "broken": BROKEN, "hinted": MINIMAL.replace("gpt-5", "'${NOT_SET}'")}
    for name, text in texts.items():
        (tmp_path / f"{name}.yaml").write_text(text)
    return {name: tmp_path / f"{name}.yaml" for name in texts}


@pytest.mark.spec("CFG-060", "CFG-061", "AUTO-023")
@pytest.mark.parametrize(
    ("name", "plain", "strict"), [("good", 0, 0), ("warned", 0, 1), ("broken", 1, 1), ("hinted", 0, 0)]
)
def test_the_exit_code_counts_errors_and_in_strict_mode_warnings(written, name, plain, strict) -> None:
    assert run_validate(written[name]) == plain
    assert run_validate(written[name], strict=True) == strict


@pytest.mark.spec("CFG-065")
def test_the_report_has_header_place_path_message_and_suggestion(written, capsys) -> None:
    run_validate(written["broken"])
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "Configuration Errors Found:"
    assert lines[1].strip().startswith(f"{written['broken']}:3:21 [agents[0].backend.type] Unknown backend type: 'gpt'")
    assert lines[2].strip().startswith("Suggestion: ")
    run_validate(written["warned"])
    out = capsys.readouterr().out
    assert "Configuration Warnings:" in out
    assert "[orchestrater]" in out
    assert "Suggestion: Did you mean 'orchestrator'?" in out


@pytest.mark.spec("CFG-061")
def test_hints_are_printed(written, capsys) -> None:
    run_validate(written["hinted"])
    assert "NOT_SET" in capsys.readouterr().out


@pytest.mark.spec("CFG-062")
def test_json_output_is_exactly_the_documented_object(written, capsys) -> None:
    assert run_validate(written["good"], as_json=True) == 0
    assert json.loads(capsys.readouterr().out) == {
        "valid": True,
        "error_count": 0,
        "warning_count": 0,
        "errors": [],
        "warnings": [],
    }
    assert run_validate(written["broken"], as_json=True) == 1
    found = json.loads(capsys.readouterr().out)
    assert (found["valid"], found["error_count"]) == (False, 1)
    (problem,) = found["errors"]
    assert (problem["location"], problem["severity"], problem["line"]) == ("agents[0].backend.type", "error", 3)
    assert run_validate(written["hinted"], as_json=True) == 0
    out, err = capsys.readouterr()
    assert json.loads(out)["valid"] is True
    assert "NOT_SET" in err


@pytest.mark.spec("CFG-008", "CFG-060")
def test_a_file_that_is_not_there_is_an_error_in_both_forms(written, capsys) -> None:
    assert run_validate("nope.yaml") == 1
    assert "nope.yaml" in capsys.readouterr().out
    assert run_validate("nope.yaml", as_json=True) == 1
    assert json.loads(capsys.readouterr().out)["error_count"] == 1


@pytest.mark.spec("WS-055", "WS-099", "CFG-027")
@pytest.mark.parametrize(
    ("entry", "words"),
    [
        ("{path: /no/such/place, permission: read}", "Context path '/no/such/place' does not exist"),
        ("{path: no/such/place, permission: read}", "Context path must be absolute, got 'no/such/place'"),
        ("{path: ./good.yaml/, permission: read}", "is not a directory"),
        ("{path: ., permission: write, protected_paths: [missing.txt]}", "Protected path 'missing.txt' not found"),
    ],
)
def test_context_paths_of_this_machine_are_checked(written, capsys, entry: str, words: str) -> None:
    Path("paths.yaml").write_text(MINIMAL + f"orchestrator:\n  context_paths:\n    - {entry}\n")
    assert run_validate("paths.yaml") == 1
    out = capsys.readouterr().out
    assert words in out
    assert "paths.yaml:7:" in out


@pytest.mark.spec("CFG-066")
def test_the_library_gives_the_same_results(written) -> None:
    validator = ConfigValidator()
    result = validator.validate_config_file(written["broken"])
    assert result.has_errors()
    assert "Unknown backend type: 'gpt'" in result.format_errors()
    assert result.to_dict()["error_count"] == 1
    warned = validator.validate_config_file(str(written["warned"]))
    assert (warned.has_errors(), warned.has_warnings()) == (False, True)
    assert "orchestrater" in warned.format_warnings()
    given = validator.validate_config({"agent": {"id": "t", "backend": {"type": "openai", "model": "gpt-4o"}}})
    assert given.to_dict() == {"valid": True, "error_count": 0, "warning_count": 0, "errors": [], "warnings": []}
    assert validator.validate_config_file("nope.yaml").has_errors()


@pytest.mark.spec("CFG-088", "CLI-057")
def test_examples_are_listed_one_a_line_and_grouped(capsys) -> None:
    assert run_list_examples() == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines == [f"@examples/{name}" for name in example_names()]
    folders = [line.rpartition("/")[0] for line in lines]
    changes = sum(1 for before, after in pairwise(folders) if before != after)
    assert changes == len(set(folders)) - 1


@pytest.mark.spec("CFG-006", "CFG-077", "CFG-088")
@pytest.mark.parametrize("name", example_names())
def test_every_example_passes_strictly_from_an_empty_directory(name, tmp_path, monkeypatch, capsys) -> None:
    monkeypatch.chdir(tmp_path)
    code = run_validate(f"@examples/{name}", strict=True)
    assert code == 0, capsys.readouterr().out


def test_an_example_is_printed_and_a_misspelt_one_is_met_with_the_nearest(capsys) -> None:
    assert run_example("basic/multi/three_agents_default") == 0
    assert "gemini2.5flash" in capsys.readouterr().out
    with pytest.raises(ConfigError) as caught:
        run_example("@examples/three_agents_defalt")
    assert "three_agents_default" in (caught.value.hint or "")


def test_the_json_schema_is_printed(capsys) -> None:
    assert run_config_schema() == 0
    assert json.loads(capsys.readouterr().out)["properties"]["orchestrator"]


HEAVY = ("pydantic_ai", "openai", "anthropic", "google.genai", "mcp", "textual", "starlette", "httpx2", "asyncio")


@pytest.mark.spec("CFG-060")
def test_validation_imports_no_provider_no_display_no_event_loop(written) -> None:
    program = (
        "import sys\nfrom massgen.cli.validate import run_validate\n"
        f"code = run_validate({str(written['good'])!r})\n"
        f"print([name for name in {HEAVY!r} if name in sys.modules], code)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=250, check=True)
    assert done.stdout.splitlines()[-1] == "[] 0"


SCRIPT = """
EXIT_CODE=0
for config in configs/*.yaml; do
  if ! massgen --validate "$config" --strict --json > "${config}.validation.json"; then
    EXIT_CODE=1
  fi
done
exit $EXIT_CODE
"""


@pytest.mark.spec("CFG-076", "CFG-060", "CLI-054")
def test_the_script_of_the_documents_works_unchanged(written, tmp_path) -> None:
    (tmp_path / "configs").mkdir()
    bad = tmp_path / "configs" / "bad.yaml"
    (tmp_path / "configs" / "good.yaml").write_text(MINIMAL)
    bad.write_text(BROKEN)
    environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}

    def run() -> int:
        return subprocess.run(
            ["bash", "-c", SCRIPT], cwd=tmp_path, env=environment, timeout=250, check=False
        ).returncode

    assert run() == 1
    report = json.loads((tmp_path / "configs" / "bad.yaml.validation.json").read_text())
    assert report["errors"][0]["location"] == "agents[0].backend.type"
    bad.unlink()
    assert run() == 0


TEAM = (ROOT / "massgen" / "configs" / "demo" / "duo.yaml").read_text()


@pytest.mark.spec("CFG-063", "CFG-064", "CLI-055")
@pytest.mark.parametrize(
    ("change", "flags", "code", "started"),
    [
        (("pace: 0}", "pace: 0, temperature: hot}"), [], 1, False),
        (("pace: 0}", "pace: 0, temperature: hot}"), ["--skip-validation"], 0, True),
        (("orchestrator:", "orchestrater: {}\norchestrator:"), [], 0, True),
        (("orchestrator:", "orchestrater: {}\norchestrator:"), ["--strict-validation"], 1, False),
    ],
)
def test_a_run_is_validated_before_anything_starts(tmp_path, change, flags, code, started) -> None:
    folder = ROOT / "massgen" / "configs" / "demo"
    text = TEAM.replace("script: demo/duo.script.yaml", f"script: {folder}/duo.script.yaml, pace: 0")
    (tmp_path / "team.yaml").write_text(text.replace(*change))
    command = [sys.executable, "-m", "massgen", "--automation", "--config", "team.yaml", *flags, "Tabs or spaces?"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=250, check=False)
    assert done.returncode == code, done.stderr
    assert (tmp_path / ".massgen").exists() == started
    if change[1].startswith("orchestrater"):
        assert "Unknown key 'orchestrater'" in done.stderr


@pytest.mark.spec("CFG-017")
def test_a_configured_key_is_nowhere_in_the_files_of_a_run(tmp_path) -> None:
    folder = ROOT / "massgen" / "configs" / "demo"
    script = f"script: {folder}/duo.script.yaml, pace: 0, api_key: sk-planted-5ecret"
    (tmp_path / "team.yaml").write_text(TEAM.replace("script: demo/duo.script.yaml", script))
    command = [sys.executable, "-m", "massgen", "--automation", "--debug", "--config", "team.yaml", "Tabs or spaces?"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=250, check=True)
    written = [path for path in (tmp_path / ".massgen").rglob("*") if path.is_file()]
    assert any(path.name == "execution_metadata.yaml" for path in written)
    assert [str(path) for path in written if b"sk-planted-5ecret" in path.read_bytes()] == []
    assert "sk-planted-5ecret" not in done.stdout + done.stderr
