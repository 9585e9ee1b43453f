"""Agents without a network: a policy for tests, and the rehearsed team of a script."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from pathlib import Path

import pytest

import massgen
from massgen.backends import PolicyBackend, Turn, create_backend
from massgen.backends.protocol import (
    ModelDone,
    ModelRequest,
    ReasoningDelta,
    TextDelta,
    ToolCallDelta,
    ToolResultMessage,
    ToolSpec,
    UserMessage,
)
from massgen.backends.rehearsal import find_script, known_questions, seen_answers
from massgen.backends.script import load_script
from massgen.errors import ConfigError, RateLimited, ServerFailed
from tests.backends.harness import ask, events_of, run

CONFIGS = Path(massgen.__file__).parent / "configs"
NEW_ANSWER = ToolSpec(name="new_answer", description="", parameters={"type": "object"})
VOTE = ToolSpec(name="vote", description="", parameters={"type": "object"})


def request(question, answers=(), *, tools=(NEW_ANSWER, VOTE), agent="", round=0, after=()):
    blocks = "\n".join(
        f'<answer label="{label}" agent="{label.partition(".")[0]}">\n{text}\n</answer>' for label, text in answers
    )
    text = f"<original_message>\n{question}\n</original_message>\n\n<current_answers>\n{blocks}\n</current_answers>"
    return ModelRequest(system="", messages=(UserMessage(text=text), *after), tools=tools, agent_id=agent, round=round)


def simulated(agent="solo", **config):
    section = {"type": "simulated", "pace": 0, **config}
    return create_backend(section, agent_id=agent, resources=None)  # pyright: ignore[reportArgumentType]


def called(backend, asked):
    done = run(events_of(backend, asked))[-1]
    assert isinstance(done, ModelDone)
    import json

    return [(made.name, json.loads(made.arguments)) for made in done.message.tool_calls], done.message.text


def write(tmp_path, text, name="play.yaml"):
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    return path


def play(tmp_path, turns, agent="solo", question="Why?"):
    script = write(tmp_path, f"rehearsals:\n- question: {question}\n  agents:\n    {agent}:\n{turns}")
    return simulated(agent, script=str(script))


def test_a_policy_streams_reasoning_text_and_calls_that_fold_to_the_message():
    turn = Turn(text="Four, I am sure of it.", reasoning="Two and two.", calls=[("new_answer", {"content": "4"})])
    events = run(events_of(PolicyBackend(lambda _: turn)))
    done = events[-1]
    assert "".join(event.text for event in events if isinstance(event, TextDelta)) == done.message.text
    assert "".join(event.text for event in events if isinstance(event, ReasoningDelta)) == done.message.reasoning
    arguments = "".join(event.arguments for event in events if isinstance(event, ToolCallDelta))
    assert arguments == done.message.tool_calls[0].arguments == '{"content": "4"}'


def test_a_policy_may_wait_and_may_fail():
    async def policy(_):
        await asyncio.sleep(0)
        raise ServerFailed("broken")

    with pytest.raises(ServerFailed):
        run(events_of(PolicyBackend(policy)))


def test_an_error_after_words_comes_before_any_call():
    backend = PolicyBackend(lambda _: Turn(text="Wor", calls=[("vote", {})], error=RateLimited("slow")))

    async def work():
        seen = []
        with pytest.raises(RateLimited):
            async for event in backend.stream(ask()):
                seen.append(event)
        return seen

    assert [type(event) for event in run(work())] == [TextDelta]


def test_calls_of_one_backend_have_different_ids():
    backend = PolicyBackend(lambda _: Turn(calls=[("look", {}), ("look", {})]))
    ids = [made.call_id for _ in range(2) for made in run(events_of(backend))[-1].message.tool_calls]
    assert len(set(ids)) == 4


def test_the_demo_team_disagrees_changes_its_mind_and_agrees():
    """The whole play by hand: first answers, a changed mind, votes, the presentation."""
    question = known_questions("demo/team.script.yaml")[0]
    team = {name: simulated(name, script="demo/team.script.yaml") for name in ("ada", "ben", "cleo")}
    first = {}
    for number, backend in enumerate(team.values(), start=1):
        calls, _ = called(backend, request(question))
        assert [call for call, _ in calls] == ["new_answer"]
        first[f"agent{number}.1"] = calls[0][1]["content"]
    assert len(set(first.values())) == 3
    calls, _ = called(team["ada"], request(question, first.items()))
    assert calls[0][0] == "new_answer"
    second = {"agent1.2": calls[0][1]["content"], "agent2.1": first["agent2.1"], "agent3.1": first["agent3.1"]}
    votes = {name: called(backend, request(question, second.items()))[0][0] for name, backend in team.items()}
    assert {name: arguments["agent_id"] for name, (_, arguments) in votes.items()} == {
        "ada": "agent3",
        "ben": "agent1",
        "cleo": "agent1",
    }
    assert all(arguments["reason"] for _, arguments in votes.values())
    calls, text = called(team["ada"], request(question, second.items(), tools=()))
    assert calls == [] and "1/2" in text


def test_the_demo_duo_settles_its_argument():
    team = {name: simulated(name, script="demo/duo.script.yaml") for name in ("tabitha", "spencer")}
    first = {
        f"agent{number}.1": called(backend, request("Tabs or spaces?"))[0][0][1]["content"]
        for number, backend in enumerate(team.values(), start=1)
    }
    name, arguments = called(team["spencer"], request("Tabs or spaces?", first.items()))[0][0]
    assert name == "new_answer"
    second = {"agent1.1": first["agent1.1"], "agent2.2": arguments["content"]}
    for backend in team.values():
        name, arguments = called(backend, request("Tabs or spaces?", second.items()))[0][0]
        assert (name, arguments["agent_id"]) == ("vote", "agent2")


@pytest.mark.parametrize("name", ["team", "duo"])
@pytest.mark.parametrize("stage", ["first", "others", "vote only", "presenting"])
def test_every_demo_agent_has_something_to_do_at_every_stage(name, stage):
    script = load_script(CONFIGS / "demo" / f"{name}.script.yaml")
    play = script.rehearsals[0]
    answers = [] if stage == "first" else [(f"agent{n}.1", "Something unforeseen.") for n in (1, 2)]
    tools = {"vote only": (VOTE,), "presenting": ()}.get(stage, (NEW_ANSWER, VOTE))
    for agent in play.agents:
        calls, text = called(
            simulated(agent, script=f"demo/{name}.script.yaml"), request(play.question, answers, tools=tools)
        )
        assert text if stage == "presenting" else calls


def test_another_question_gets_a_plain_word_and_the_list_of_known_ones():
    calls, _ = called(simulated("ada"), request("What is 2+2?"))
    content = calls[0][1]["content"]
    assert "can only rehearse" in content
    assert all(question in content for question in known_questions("demo/team.script.yaml"))


def test_another_question_still_comes_to_an_end():
    answers = [("agent1.1", "I can only rehearse.")]
    calls, _ = called(simulated("ada"), request("What is 2+2?", answers))
    assert calls == [("vote", {"agent_id": "agent1", "reason": calls[0][1]["reason"]})]
    calls, text = called(simulated("ada"), request("What is 2+2?", answers, tools=()))
    assert calls == [] and "can only rehearse" in text


def test_a_longer_question_that_contains_a_known_one_is_another_question():
    calls, _ = called(simulated("spencer", script="demo/duo.script.yaml"), request("Tabs or spaces? And why 2+2?"))
    assert "can only rehearse" in calls[0][1]["content"]


def test_an_agent_without_a_part_says_whose_parts_there_are(tmp_path):
    play(tmp_path, "    - answer: A.", agent="one")
    script = str(tmp_path / "play.yaml")
    calls, _ = called(simulated("two", script=script), request("Why?"))
    assert "one" in calls[0][1]["content"] and "two" in calls[0][1]["content"]


def test_turns_are_chosen_by_what_is_offered(tmp_path):
    backend = play(
        tmp_path,
        "    - answer: Mine.\n    - vote: {for: agent1, reason: Fine.}\n    - say: The end.\n",
    )
    answers = [("agent1.1", "Theirs.")]
    assert called(backend, request("Why?", answers))[0][0][0] == "new_answer"
    assert called(backend, request("Why?", answers, tools=(VOTE,)))[0][0][0] == "vote"
    assert called(backend, request("Why?", answers, tools=()))[1] == "The end."


def test_a_script_may_call_tools_and_go_on_after_their_results(tmp_path):
    look = ToolSpec(name="look", description="", parameters={"type": "object"})
    backend = play(
        tmp_path,
        "    - answer: Found.\n      when: {after_tool: look}\n    - calls: [{name: look, arguments: {place: here}}]\n",
    )
    tools = (NEW_ANSWER, VOTE, look)
    assert called(backend, request("Why?", tools=tools))[0] == [("look", {"place": "here"})]
    after = (ToolResultMessage(call_id="c", name="look", text="x"),)
    assert called(backend, request("Why?", tools=tools, after=after))[0][0][0] == "new_answer"


def test_a_script_may_fail_as_providers_do(tmp_path):
    backend = play(tmp_path, "    - fail: {kind: rate_limit, message: Too fast.}\n")
    with pytest.raises(RateLimited, match="Too fast"):
        run(events_of(backend, request("Why?")))


def test_conditions_on_rounds(tmp_path):
    backend = play(tmp_path, "    - {answer: Later., when: {round: 1}}\n    - answer: First.\n")
    assert called(backend, request("Why?"))[0][0][1] == {"content": "First."}
    assert called(backend, request("Why?", round=1))[0][0][1] == {"content": "Later."}


def test_a_vote_goes_to_the_newest_answer_that_contains_its_text(tmp_path):
    backend = play(tmp_path, "    - vote: {for: TABS, reason: r}\n")
    answers = [("agent1.1", "tabs"), ("agent2.1", "tabs too"), ("agent3.1", "spaces")]
    assert called(backend, request("Why?", answers))[0][0][1]["agent_id"] == "agent2"


def test_answers_are_read_from_blocks_and_from_injections():
    injected = (
        "=" * 60 + "\n[UPDATE: agent2 submitted new answer(s)]\n[agent2] (workspace: /w, label: agent2.1):\n"
        "Second.\n\n[agent3] (label: agent3.1):\nThird.\n" + "=" * 60
    )
    asked = request("Why?", [("agent1.1", "First.")], after=(UserMessage(text=injected),))
    assert [(item.label, item.agent, item.text) for item in seen_answers(asked)] == [
        ("agent1.1", "agent1", "First."),
        ("agent2.1", "agent2", "Second."),
        ("agent3.1", "agent3", "Third."),
    ]


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("rehearsals: []", "rehearsals"),
        ("rehearsals: [{question: Q}]", "rehearsals[0].agents"),
        ("rehearsals: [{question: Q, agents: {a: [{answr: x}]}}]", "rehearsals[0].agents.a[0].answr"),
        ("rehearsals: [{question: Q, agents: {a: [{vote: {for: x}}]}}]", "vote.reason"),
        ("rehearsals: [{question: Q, agents: {a: [{answer: x, vote: {for: x, reason: y}}]}}]", "only one of"),
        ("rehearsals: [{question: Q, agents: {a: [{think: x}]}}]", "give one of"),
        ("pace: -1\nrehearsals: [{question: Q, agents: {a: [{say: x}]}}]", "pace"),
        ("rehearsals: [{question: Q", "not YAML"),
        ("just text", "not valid"),
    ],
)
def test_a_script_with_a_mistake_names_its_place(tmp_path, text, complaint):
    path = write(tmp_path, text)
    with pytest.raises(ConfigError) as found:
        load_script(path)
    assert complaint in found.value.message and str(path) in found.value.message


def test_a_script_is_looked_up_beside_the_configuration_first(tmp_path):
    (tmp_path / "demo").mkdir()
    own = write(tmp_path / "demo", "rehearsals: [{question: Q, agents: {a: [{say: x}]}}]", "duo.script.yaml")
    assert find_script("demo/duo.script.yaml", tmp_path) == own
    assert find_script("demo/team.script.yaml", tmp_path) == CONFIGS / "demo" / "team.script.yaml"


def test_a_missing_script_says_where_it_was_looked_for(tmp_path):
    with pytest.raises(ConfigError) as found:
        find_script("nowhere.yaml", tmp_path)
    assert str(tmp_path) in (found.value.hint or "")


def test_the_simulated_team_needs_no_provider_library():
    code = (
        "import sys, asyncio\n"
        "from massgen.backends import create_backend\n"
        "create_backend({'type': 'simulated'}, agent_id='ada', resources=None)\n"
        "print([name for name in ('pydantic_ai', 'openai', 'httpx2', 'anthropic') if name in sys.modules])\n"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"
