"""LiteLLM as a door: the real library, one registered provider."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import litellm
import pytest

import massgen
from massgen.testing import answer_then_vote
from tests.api.place import TEAM, place, play
from tests.api.test_doors import only_log, result, tree

MESSAGES = [{"role": "user", "content": "What is 2+2?"}]
KEYS = (
    "config_used", "session_id", "log_directory", "final_answer_path", "selected_agent", "vote_results", "answers",
    "agent_mapping",
)  # fmt: skip


@pytest.fixture(autouse=True)
def launch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    massgen.register_with_litellm()
    return tmp_path


def complete(model: str, **more: Any) -> Any:
    return litellm.completion(model=model, messages=MESSAGES, **more)


@pytest.mark.spec("API-060", "API-063")
def test_registering_twice_leaves_one_provider_that_answers(launch: Path) -> None:
    massgen.register_with_litellm()
    assert [item["provider"] for item in litellm.custom_provider_map].count("massgen") == 1
    reply = complete("massgen/demo/duo")
    assert "Use a formatter" in reply.choices[0].message.content or reply.choices[0].message.content
    assert reply._hidden_params["massgen_config_used"].endswith("demo/duo.yaml")


@pytest.mark.spec("API-062", "API-065", "API-067")
def test_a_path_gives_the_same_data_as_run_and_real_token_counts(launch: Path) -> None:
    async def story() -> None:
        async with place(launch) as here:
            reply = await litellm.acompletion(model=f"massgen/path:{here.config}", messages=MESSAGES)
            same = await massgen.run("What is 2+2?", config=str(here.config))
            assert reply.choices[0].message.content == same["final_answer"]
            hidden = reply._hidden_params
            assert {f"massgen_{key}" for key in KEYS} <= set(hidden)
            for key in ("config_used", "selected_agent", "agent_mapping"):
                assert hidden[f"massgen_{key}"] == same[key]
            assert hidden["massgen_vote_results"]["vote_counts"] == same["vote_results"]["vote_counts"]
            assert hidden["massgen_session_id"]
            assert reply.usage.prompt_tokens > 0
            assert reply.usage.total_tokens == reply.usage.prompt_tokens + reply.usage.completion_tokens

    play(story)


@pytest.mark.spec("API-066")
def test_the_documented_loop_over_answer_files_and_the_export_run(launch: Path) -> None:
    async def story() -> None:
        async with place(launch) as here:
            response = await litellm.acompletion(model=f"massgen/path:{here.config}", messages=MESSAGES)
            contents = []
            for answer in response._hidden_params["massgen_answers"]:
                answer_file = Path(answer["answer_path"]) / "answer.txt"
                contents.append(answer_file.read_text().strip())
            assert sorted(contents) == sorted(item["content"] for item in response._hidden_params["massgen_answers"])
            exported = {
                "answer": response.choices[0].message.content,
                **{key: value for key, value in response._hidden_params.items() if key.startswith("massgen_")},
            }
            assert json.loads(json.dumps(exported)) == exported

    play(story)


@pytest.mark.spec("API-062", "API-064")
def test_build_and_model_take_their_parameters_nested_or_flat(launch: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def story() -> None:
        async with place(launch, {"gpt-5": TEAM["model-a"]}) as here:
            monkeypatch.setenv("OPENAI_API_KEY", "sk-test-key")
            monkeypatch.setenv("OPENAI_BASE_URL", here.provider.openai_url)
            given = {"models": ["gpt-5", "gpt-5"], "enable_filesystem": False, "output_file": "out/answer.txt"}
            nested = await litellm.acompletion(model="massgen/build", messages=MESSAGES, optional_params=given)
            assert len(nested._hidden_params["massgen_agent_mapping"]) == 2
            assert (launch / "out" / "answer.txt").read_text() == "Four, says the first."
            flat = await litellm.acompletion(model="massgen/build", messages=MESSAGES, **given)
            assert len(flat._hidden_params["massgen_agent_mapping"]) == 2
            alone = await litellm.acompletion(
                model="massgen/model:gpt-5", messages=MESSAGES, optional_params={"enable_logging": True}
            )
            hidden = alone._hidden_params
            assert hidden["massgen_config_used"] == "single-agent:gpt-5"
            assert Path(hidden["massgen_log_directory"]).is_dir()
            for key in ("selected_agent", "vote_results", "answers", "agent_mapping"):
                assert hidden[f"massgen_{key}"] is None

    play(story)


@pytest.mark.spec("API-064")
def test_build_without_models_and_unknown_parameters_are_clear_errors() -> None:
    with pytest.raises(Exception, match="needs 'models' or 'model'"):
        complete("massgen/build")
    with pytest.raises(Exception, match="unknown key 'modles'"):
        complete("massgen/build", optional_params={"modles": ["gpt-5"]})
    with pytest.raises(Exception, match="Configuration file not found"):
        complete("massgen/no_such_example")


@pytest.mark.spec("API-063")
def test_the_sync_call_works_inside_a_running_loop() -> None:
    async def story() -> None:
        assert complete("massgen/demo/duo").choices[0].message.content

    asyncio.run(story())


@pytest.mark.spec("API-063")
def test_a_stream_gives_the_answer_as_chunks() -> None:
    pieces = list(complete("massgen/demo/duo", stream=True))
    assert "".join(piece.choices[0].delta.content or "" for piece in pieces)
    assert pieces[-1].choices[0].finish_reason == "stop"


@pytest.mark.spec("LOG-020")
def test_the_run_leaves_the_same_files_and_the_same_result_as_one_from_python(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    models = {"model-a": answer_then_vote("First."), "model-b": answer_then_vote("Second.")}
    launches = {name: tmp_path / name for name in ("litellm", "python")}
    for launch in launches.values():
        launch.mkdir()

    async def story() -> None:
        async with place(tmp_path, models) as here:
            monkeypatch.chdir(launches["litellm"])
            given = {"enable_logging": True}
            await litellm.acompletion(model=f"massgen/path:{here.config}", messages=MESSAGES, optional_params=given)
            monkeypatch.chdir(launches["python"])
            await massgen.run("What is 2+2?", config=str(here.config), enable_logging=True)

    play(story)
    ours, same = (only_log(launches[name]) for name in ("litellm", "python"))
    assert tree(ours) == tree(same)
    assert result(ours) == result(same)
