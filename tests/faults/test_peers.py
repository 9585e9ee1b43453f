"""Ten things that users of such programs suffer from; none may happen here."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from pathlib import Path

import pytest

from massgen.cli.entry import run as run_command
from massgen.testing import (
    Call,
    Dropped,
    HttpError,
    Pace,
    ReceivedRequest,
    ScriptedProvider,
    Stalled,
    Turn,
    answer_then_vote,
    call,
    say,
    use,
)
from tests.faults.place import ask, asked, check_honest, team

GOOD = answer_then_vote("four", "agent1")
WRONG = {"tool": Call(name="no_such_tool"), "arguments": Call(name="new_answer", arguments="[")}
HEAD = ("LOG_DIR: ", "STATUS: ", "🤖 ", "Agents: ", "Question: ", "=====", "QUESTION: ", "[Coordination in progress")


def test_failure_is_never_told_as_success(tmp_path: Path) -> None:
    """1: and 2: status.json says how a run failed."""
    faults = {
        "401": HttpError(status=401),
        "400": HttpError(status=400),
        "500": HttpError(status=500),
        "429": HttpError(status=429, retry_after="0"),
        "dropped": Dropped(),
    }

    async def one(name: str) -> None:
        launch = tmp_path / name
        launch.mkdir()
        fault = faults[name]
        done = await ask(launch, {"m1": lambda _: fault, "m2": lambda _: fault})
        check_honest(done)
        assert done.result.exit_code == 2 and not done.result.answer and done.result.winner is None
        assert done.status["results"]["winner"] is None and done.status["completion_percentage"] < 100
        assert set(done.result.errors) == {"agent 1", "agent 2"}
        assert {done.status["agents"][name]["status"] for name in ("agent 1", "agent 2")} == {"error"}

    async def story() -> None:
        async with asyncio.TaskGroup() as group:
            for name in faults:
                group.create_task(one(name))

    asyncio.run(story())


def test_agents_that_never_call_a_tool_still_give_their_words_as_the_answer(tmp_path: Path) -> None:
    """1."""
    done = asked(tmp_path, {"m1": lambda _: say("It is four."), "m2": lambda _: say("Four.")})
    check_honest(done)
    assert done.result.exit_code == 0 and done.result.answer in ("It is four.", "Four.")


@pytest.mark.parametrize("silent", [Stalled(), Stalled(after_chunks=1)], ids=["before", "within"])
def test_one_hung_agent_does_not_hold_up_the_others(tmp_path: Path, silent: Stalled) -> None:
    """3."""
    done = asked(tmp_path, {"m1": GOOD, "m2": lambda _: silent, "m3": GOOD}, silent="m2")
    check_honest(done)
    assert done.result.exit_code == 0 and done.result.answer == "four"
    assert "agent 2" in done.result.errors


@pytest.mark.parametrize("size", [2, 3, 5])
def test_unequal_latencies_cost_no_extra_calls(tmp_path: Path, size: int) -> None:
    """4."""
    scripts = {f"m{number}": answer_then_vote(f"four {number}", "agent1") for number in range(size)}
    done = asked(tmp_path, scripts, pace=Pace(first=0.05, jitter=0.5, seed=size))
    assert done.result.exit_code == 0 and len(done.requests) == 2 * size + 1


def test_a_vote_for_an_agent_without_an_answer_is_refused_with_the_names_and_fails_nobody(tmp_path: Path) -> None:
    """5."""
    told: list[str] = []

    def confused(request: ReceivedRequest) -> Turn:
        reply = GOOD(request)
        assert isinstance(reply, Turn)
        if reply.calls and reply.calls[0].name == "vote" and not request.view.results:
            return use(call("vote", agent_id="agent3", reason="first try"))
        told.extend(result.text for result in request.view.results)
        return reply

    done = asked(tmp_path, {"m1": GOOD, "m2": confused})
    assert done.result.exit_code == 0 and not done.result.errors
    assert any("agent1, agent2" in text for text in told)


def test_chatter_before_a_garbled_call_is_no_answer_and_a_winner_without_a_vote_is_marked(tmp_path: Path) -> None:
    """6."""
    garbled = Turn(text="Let me think.", calls=(Call(name="new_answer", arguments='{"content": "fo'),))
    done = asked(tmp_path, {"m1": [garbled, use(call("new_answer", content="four"))]})
    assert done.result.answer == "four"
    silent = {"m1": lambda _: say("four"), "m2": lambda _: say("4")}
    other = tmp_path / "other"
    other.mkdir()
    unvoted = asked(other, silent)
    assert unvoted.result.answer and not unvoted.result.consensus and not unvoted.result.votes


def test_misspelt_keys_are_named_and_documented_keys_work(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """7."""
    good = team("http://127.0.0.1:9/v1", ["m1"])
    bad = json.loads(json.dumps(good).replace('"base_url"', '"base_ulr"'))
    for name, value, code in (("good", good, 0), ("bad", bad, 1)):
        (tmp_path / f"{name}.json").write_text(json.dumps(value))
        assert run_command(["--validate", str(tmp_path / f"{name}.json")]) == code
    assert "base_url" in capsys.readouterr().out


@pytest.mark.slow
def test_automation_prints_nothing_but_its_contract(tmp_path: Path) -> None:
    """8."""
    massgen = str(Path(sys.executable).with_name("massgen"))
    with ScriptedProvider({"m1": GOOD, "m2": GOOD}).in_thread() as server:
        (tmp_path / "team.json").write_text(json.dumps(team(server.openai_url, ["m1", "m2"])))
        command = [massgen, "--automation", "--config", "team.json", "What is 2+2?"]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=250, check=False)
        assert done.returncode == 0, done.stderr
        assert len(server.requests) == 5
    known = (*HEAD, "WINNER: ", "ANSWER_FILE: ", "DURATION: ", "ANSWER_PREVIEW: ", "COMPLETED: ")
    assert [line for line in done.stdout.splitlines() if not line.startswith(known)] == []
    assert "Deprecat" not in done.stderr and "Traceback" not in done.stderr


def test_one_agent_makes_one_call_and_quick_adds_no_round(tmp_path: Path) -> None:
    """10."""
    for name, quick in (("plain", False), ("quick", True)):
        launch = tmp_path / name
        launch.mkdir()
        done = asked(launch, {"m1": GOOD}, quick=quick)
        assert done.result.exit_code == 0 and len(done.requests) == 1


def test_a_rate_limited_agent_comes_back(tmp_path: Path) -> None:
    def limited(request: ReceivedRequest) -> Turn | HttpError:
        if request.number <= 2:
            return HttpError(status=429, retry_after="0")
        reply = GOOD(request)
        assert isinstance(reply, Turn)
        return reply

    done = asked(tmp_path, {"m1": GOOD, "m2": limited})
    assert done.result.exit_code == 0 and not done.result.errors
    assert {answer.number for answer in done.result.answers} == {1, 2}
    assert {vote.voter for vote in done.result.votes} == {1, 2}


@pytest.mark.parametrize("wrong", WRONG.values(), ids=WRONG)
def test_an_agent_that_only_makes_futile_calls_is_left_behind(tmp_path: Path, wrong: Call) -> None:
    done = asked(tmp_path, {"m1": GOOD, "m2": lambda _: use(wrong)})
    assert done.result.exit_code == 0 and done.result.answer == "four"
    assert sum(request.model == "m2" for request in done.requests) < 20
