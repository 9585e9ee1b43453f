"""Further forms of `massgen.run`: built configurations and references in a question."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import massgen
from massgen.config import load_config
from massgen.testing import answer_then_vote
from tests.api.place import place, play
from tests.runs.place import massgen as command_line


@pytest.fixture(autouse=True)
def launch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.spec("API-004")
def test_what_build_config_returns_runs(launch: Path) -> None:
    async def story() -> None:
        models = ("model-a", "model-b")
        async with place(launch, dict.fromkeys(models, answer_then_vote("Four."))) as here:
            built = massgen.build_config(models=[f"openai/{name}" for name in models])
            for agent in built["agents"]:
                agent["backend"] |= {"base_url": here.provider.openai_url, "api_key": "sk-test-key"}
            result = await massgen.run("What is 2+2?", config_dict=built)
            assert result["final_answer"] == "Four."
            assert result["config_used"] == "config_dict"
            assert all(here.provider.requests_for(name) for name in models)

    play(story)


@pytest.mark.spec("WS-078", "API-010")
@pytest.mark.parametrize("wanted", [True, False, None])
def test_references_are_read_only_where_that_is_wanted(launch: Path, wanted: bool | None) -> None:
    (launch / "src").mkdir()
    (launch / "src" / "main.py").write_text("print()")

    async def story() -> None:
        async with place(launch, {"model-a": answer_then_vote("Fine.")}) as here:
            for agent in here.values["agents"]:
                agent["backend"]["cwd"] = "workspace"
            more: dict[str, Any] = {} if wanted is None else {"parse_at_references": wanted}
            await massgen.run("Review @src/main.py", config_dict=here.values, **more)
            view = here.provider.requests_for("model-a")[0].view
            assert (str(launch / "src" / "main.py") in view.system) is bool(wanted)
            assert ("@src/main.py" in view.text) is not bool(wanted)

    play(story)


@pytest.mark.spec("CFG-045")
def test_built_configurations_use_known_keys_only_and_name_the_address_of_groq(launch: Path) -> None:
    forms: list[dict[str, Any]] = [{}, {"use_docker": True}, {"models": ["groq/llama-3.3-70b-versatile", "gpt-5"]}]
    for given in forms:
        loaded = load_config(massgen.build_config(**given))
        assert (loaded.errors, loaded.warnings) == ((), ())
    backend = massgen.build_config(models=["groq/llama-3.3-70b-versatile"])["agents"][0]["backend"]
    assert backend["base_url"] == "https://api.groq.com/openai/v1"


@pytest.mark.spec("CFG-045")
@pytest.mark.parametrize("backend", ["openai", "groq"])
def test_generated_configurations_use_known_keys_only(launch: Path, backend: str) -> None:
    made = command_line(launch, "--generate-config", "made.yaml", "--config-backend", backend)
    assert made.returncode == 0, made.stderr
    loaded = load_config(launch / "made.yaml")
    assert (loaded.errors, loaded.warnings) == ((), ())
