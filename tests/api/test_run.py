"""`massgen.run`: every documented form of the call and of its result."""

from __future__ import annotations

import asyncio
import inspect
import json
import os
from pathlib import Path

import pytest

import massgen
from massgen.testing import Hold, Turn, answer_then_vote, call
from tests.api.place import TEAM, place, play


@pytest.fixture(autouse=True)
def launch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.spec("API-001")
def test_run_has_exactly_the_documented_signature() -> None:
    assert inspect.iscoroutinefunction(massgen.run)
    found = [(name, item.default) for name, item in inspect.signature(massgen.run).parameters.items()]
    empty = inspect.Parameter.empty
    assert found == [
        ("query", empty), ("config", None), ("model", None), ("models", None), ("num_agents", None),
        ("use_docker", False), ("enable_filesystem", True), ("enable_logging", False), ("output_file", None),
        ("kwargs", empty),
    ]  # fmt: skip
    assert all(hasattr(massgen, name) for name in ("build_config", "register_with_litellm", "LITELLM_AVAILABLE"))


@pytest.mark.spec("API-011")
def test_the_result_of_a_team_holds_what_the_contract_says(launch: Path) -> None:
    async def story() -> None:
        async with place(launch) as here:
            result = await massgen.run("What is 2+2?", config=str(here.config))
            assert result["final_answer"] == "4, says the second."
            assert result["config_used"] == str(here.config)
            assert Path(result["log_directory"]).parent == launch / ".massgen" / "massgen_logs"
            assert result["final_answer_path"] == f"{result['log_directory']}/turn_1/final"
            assert result["selected_agent"] == "agent_b"
            votes = result["vote_results"]
            assert votes["vote_counts"] == {"agent_b": 2, "agent_a": 1}
            assert votes["voter_details"]["agent_a"] == [{"voter": "agent_c", "reason": "It is correct."}]
            assert [item["voter"] for item in votes["voter_details"]["agent_b"]] == ["agent_a", "agent_b"]
            assert (votes["winner"], votes["is_tie"], votes["total_votes"]) == ("agent_b", False, 3)
            assert (votes["agents_with_answers"], votes["agents_voted"]) == (3, 3)
            names = {"agent_a": "openrouter-fast1", "agent_b": "openrouter-fast2", "agent_c": "third"}
            assert result["agent_mapping"] == names
            assert {item["agent_id"]: item["label"] for item in result["answers"]} == {
                "agent_a": "agent1.1", "agent_b": "agent2.1", "agent_c": "agent3.1",
            }  # fmt: skip
            for item in result["answers"]:
                assert (Path(item["answer_path"]) / "answer.txt").read_text().strip() == item["content"]

    play(story)


@pytest.mark.spec("API-011")
def test_a_single_agent_has_no_votes_and_no_mapping(launch: Path) -> None:
    async def story() -> None:
        async with place(launch) as here:
            result = await massgen.run("What is 2+2?", config_dict=here.single())
            assert result["final_answer"] == "Four, says the first."
            assert result["selected_agent"] is None
            assert result["vote_results"] is None
            assert result["answers"] == []
            assert result["agent_mapping"] == {}
            assert result["log_directory"] is None

    play(story)


@pytest.mark.spec("API-009")
def test_enable_logging_tells_the_log_directory_of_a_single_agent(launch: Path) -> None:
    async def story() -> None:
        async with place(launch) as here:
            result = await massgen.run("What is 2+2?", config_dict=here.single(), enable_logging=True)
            assert (Path(result["log_directory"]) / "turn_1" / "attempt_1" / "events.jsonl").is_file()

    play(story)


@pytest.mark.spec("API-002", "API-012")
def test_the_default_configuration_answers_where_nothing_is_given(launch: Path) -> None:
    async def story() -> None:
        async with place(launch) as here:
            default = launch / ".massgen" / "config.yaml"
            default.parent.mkdir()
            default.write_text(json.dumps(here.values))
            result = await massgen.run("What is 2+2?")
            assert result["config_used"] == str(default)
            default.unlink()
            user = Path(os.environ["HOME"]) / ".config" / "massgen" / "config.yaml"
            user.parent.mkdir(parents=True)
            user.write_text(json.dumps(here.values))
            assert (await massgen.run("What is 2+2?"))["config_used"] == str(user)

    play(story)


@pytest.mark.spec("API-002", "API-012")
def test_a_model_alone_is_one_agent_and_num_agents_makes_a_team_of_it(
    launch: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def story() -> None:
        async with place(launch, {"gpt-5": TEAM["model-a"], "gpt-5-mini": TEAM["model-b"]}) as here:
            monkeypatch.setenv("OPENAI_API_KEY", "sk-test-key")
            monkeypatch.setenv("OPENAI_BASE_URL", here.provider.openai_url)
            alone = await massgen.run("What is 2+2?", model="gpt-5")
            assert alone["config_used"] == "single-agent:gpt-5"
            assert alone["agent_mapping"] == {}
            team = await massgen.run("What is 2+2?", model="gpt-5", num_agents=3)
            assert len(team["agent_mapping"]) == 3
            mixed = await massgen.run("What is 2+2?", models=["gpt-5", "gpt-5-mini"])
            assert len(mixed["agent_mapping"]) == 2
            assert {request.model for request in here.provider.requests} == {"gpt-5", "gpt-5-mini"}

    play(story)


@pytest.mark.spec("API-008")
def test_the_answer_alone_is_written_to_the_output_file(launch: Path) -> None:
    async def story() -> None:
        async with place(launch) as here:
            await massgen.run("What is 2+2?", config=str(here.config), output_file="new/folder/answer.txt")
            assert (launch / "new" / "folder" / "answer.txt").read_text() == "4, says the second."

    play(story)


@pytest.mark.spec("API-014")
def test_no_configuration_at_all_is_a_value_error_with_the_documented_text() -> None:
    with pytest.raises(ValueError, match="No config specified and no default config found") as caught:
        asyncio.run(massgen.run("What is 2+2?"))
    text = "No config specified and no default config found. Run `massgen --init` to create a default configuration."
    assert caught.value.message == text  # type: ignore[attr-defined]


@pytest.mark.spec("API-015")
def test_an_unknown_configuration_is_a_configuration_error_and_so_a_value_error() -> None:
    with pytest.raises(massgen.ConfigurationError, match="Configuration file not found: my-config") as caught:
        asyncio.run(massgen.run("What is 2+2?", config="my-config"))
    assert isinstance(caught.value, ValueError)


@pytest.mark.spec("API-015")
def test_a_missing_key_is_a_value_error_that_names_the_variable() -> None:
    with pytest.raises(ValueError, match="OPENAI_API_KEY"):
        asyncio.run(massgen.run("What is 2+2?", model="gpt-5"))


@pytest.mark.spec("API-013")
def test_a_session_goes_on_with_its_id(launch: Path) -> None:
    async def story() -> None:
        async with place(launch) as here:
            first = await massgen.run("My name is Ada.", config=str(here.config))
            second = await massgen.run("What is my name?", config=str(here.config), session_id=first["session_id"])
            assert second["session_id"] == first["session_id"]
            assert "My name is Ada." in here.provider.requests_for("model-a")[-1].view.text
            known = json.loads((Path(os.environ["HOME"]) / ".massgen" / "sessions.json").read_text())["sessions"]
            assert first["session_id"] in [item["session_id"] for item in known]

    play(story)


@pytest.mark.spec("API-016", "CMP-028")
def test_three_runs_in_one_loop_share_nothing(launch: Path) -> None:
    def mirror(request):
        return answer_then_vote(f"Heard {request.view.text.rpartition('number ')[2][:1]}")(request)

    async def node(config: str, number: int, results: dict[int, dict]) -> None:
        results[number] = await massgen.run(f"This is number {number}", config=config)

    async def story() -> None:
        async with place(launch, {"model-a": mirror, "model-b": mirror}) as here:
            results: dict[int, dict] = {}
            async with asyncio.TaskGroup() as group:
                for number in range(3):
                    group.create_task(node(str(here.config), number, results))
            assert len({result["log_directory"] for result in results.values()}) == 3
            assert len({result["session_id"] for result in results.values()}) == 3
            for number, result in results.items():
                assert (
                    f"number {number}"
                    in (Path(result["log_directory"]) / "turn_1" / "attempt_1" / "events.jsonl").read_text()
                )

    play(story)


@pytest.mark.spec("API-017", "CMP-028")
def test_runs_in_threads_print_nothing_and_touch_no_signal(launch: Path, capfd: pytest.CaptureFixture[str]) -> None:
    import signal

    async def story() -> None:
        async with place(launch) as here:
            before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
            values = here.values
            threaded = await asyncio.to_thread(lambda: asyncio.run(massgen.run("What is 2+2?", config_dict=values)))
            direct = await massgen.run("What is 2+2?", config_dict=values)
            assert threaded["final_answer"] == direct["final_answer"] == "4, says the second."
            assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == before

    play(story)
    assert capfd.readouterr() == ("", "")


@pytest.mark.spec("API-017", "CMP-028")
def test_cancelling_the_awaiting_task_leaves_no_task_and_no_socket(launch: Path) -> None:
    async def story() -> None:
        slow = Turn(text="never", hold=Hold(gate="never"))
        async with place(launch, {"model-a": [slow], "model-b": [slow]}) as here:
            async with asyncio.TaskGroup() as group:
                task = group.create_task(massgen.run("What is 2+2?", config_dict=here.values))
                await here.provider.wait_for_requests("model-a", 1)
                await here.provider.wait_for_requests("model-b", 1)
                before = {item for item in asyncio.all_tasks() if item is not task}
                task.cancel()
            assert task.cancelled()
            left = {item for item in asyncio.all_tasks() if "massgen/testing" not in repr(item)} - before
            assert left == set()
            status = json.loads(next(launch.glob(".massgen/massgen_logs/log_2*/status.json")).read_text())
            assert status["meta"]["session_id"]
            assert "cancelled" in json.dumps(status).lower()

    play(story)


@pytest.mark.spec("API-005")
def test_without_a_filesystem_no_workspace_and_no_file_tool_exists(launch: Path) -> None:
    async def story() -> None:
        async with place(launch) as here:
            values = {
                **here.values,
                "agents": [
                    {**agent, "backend": {**agent["backend"], "cwd": f"workspace{number}"}}
                    for number, agent in enumerate(here.values["agents"], 1)
                ],
            }
            await massgen.run("What is 2+2?", config_dict=values, enable_filesystem=False)
            assert set(here.provider.requests_for("model-a")[0].view.tool_names) <= {"new_answer", "vote"}
            assert not list(launch.rglob("workspace*"))
            await massgen.run("What is 2+2?", config_dict=values)
            offered = {n for request in here.provider.requests_for("model-a") for n in request.view.tool_names}
            assert "mcp__filesystem__read_file" in offered

    play(story)


@pytest.mark.spec("API-006")
@pytest.mark.parametrize("size", [1, 2])
def test_a_plain_context_path_may_be_written_and_a_read_entry_may_not(launch: Path, size: int) -> None:
    (launch / "open").mkdir()
    (launch / "closed").mkdir()

    def author(request):
        names = request.view.tool_names
        if "new_answer" not in names and not request.view.results:
            return Turn(
                calls=(
                    call("mcp__filesystem__write_file", path=str(launch / "open" / "new.txt"), content="written"),
                    call("mcp__filesystem__write_file", path=str(launch / "closed" / "new.txt"), content="written"),
                )
            )
        return answer_then_vote("Done.")(request)

    async def story() -> None:
        async with place(launch, dict.fromkeys(("model-a", "model-b")[:size], author)) as here:
            paths = [str(launch / "open"), {"path": str(launch / "closed"), "permission": "read"}]
            await massgen.run("Write.", config_dict=here.values, context_paths=paths)
            assert (launch / "open" / "new.txt").read_text() == "written"
            assert not (launch / "closed" / "new.txt").exists()

    play(story)


@pytest.mark.spec("WS-079")
def test_the_documented_reference_example_runs(launch: Path) -> None:
    from massgen.path_handling import parse_prompt_for_context

    (launch / "src").mkdir()
    (launch / "src" / "main.py").touch()
    found = parse_prompt_for_context("Review @src/main.py")
    assert found.cleaned_prompt == "Review"
    assert found.context_paths == [{"path": str(launch / "src" / "main.py"), "permission": "read"}]


def test_an_unknown_keyword_is_a_type_error() -> None:
    with pytest.raises(TypeError, match="unexpected keyword argument 'modell'"):
        asyncio.run(massgen.run("What is 2+2?", modell="gpt-5"))


def test_ask_is_the_same_without_a_loop_and_within_one(launch: Path) -> None:
    assert massgen.ask("Tabs or spaces?", "@examples/demo/duo")["selected_agent"] in ("agent_a", "agent_b")

    async def story() -> None:
        assert massgen.ask("Tabs or spaces?", "@examples/demo/duo")["final_answer"]

    play(story)
