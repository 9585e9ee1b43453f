"""Questions of agents to each other's shadows, and to a person, through whole runs."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from massgen.config import load_config
from massgen.engine.broadcast import DEPTH, SENSITIVITY
from massgen.engine.person import HumanQuestion
from massgen.runs.conversation import Conversation
from massgen.runs.request import RunRequest
from massgen.testing import Hold, ReceivedRequest, ScriptedProvider, Turn, call, use
from tests.runs.place import KEY, Played, massgen, play, team, worker

QUESTION = "Which colour does the shop have?"


def asks(question: str = QUESTION) -> tuple[Any, ...]:
    return (call("ask_others", question=question),)


def is_shadow(request: ReceivedRequest) -> bool:
    return "A peer asks you something" in request.view.system


def with_shadow(decide: Callable[[ReceivedRequest], Any], reply: Any) -> Callable[[ReceivedRequest], Any]:
    """The agent works as `decide`; its shadow says `reply`."""
    return lambda request: reply if is_shadow(request) else decide(request)


def rules(mode: object, **more: Any) -> dict[str, Any]:
    return {"coordination": {"broadcast": mode, **more}}


def results(played: Played, model: str, name: str = "ask_others") -> list[str]:
    """What the tool answered, in the order in which the agent read it."""
    found: dict[str, str] = {}
    for request in played.asked(model):
        found.update({given.call_id: given.text for given in request.view.results if given.name == name})
    return list(found.values())


def shadows(played: Played, model: str) -> list[ReceivedRequest]:
    return [request for request in played.asked(model) if is_shadow(request)]


@pytest.mark.spec("COORD-143")
@pytest.mark.parametrize("mode", [False, "agents", "human"])
def test_the_tool_is_offered_in_both_modes_and_is_no_mcp_tool(tmp_path: Path, mode: object) -> None:
    async def human(agent: str, question: str, seconds: float) -> str | None:
        return None

    played = play(
        tmp_path, {"m1": worker("a"), "m2": worker("b")}, orchestrator=rules(mode), ask_human=human
    )
    offered = [name for name in played.asked("m1")[0].view.tool_names if "ask_others" in name]
    assert offered == (["ask_others"] if mode else [])


@pytest.mark.spec("COORD-143", "COORD-144", "COORD-145")
def test_every_other_agents_shadow_answers_at_the_same_time_and_without_tools(tmp_path: Path) -> None:
    wait = {
        "m2": Turn(text="Blue.", hold=Hold(gate="m3 asked")),
        "m3": Turn(text="Dark blue.", hold=Hold(gate="m2 asked")),
    }
    opened: list[Any] = []

    def shadow_of(model: str) -> Callable[[ReceivedRequest], Any]:
        own = worker(f"by {model}")

        def decide(request: ReceivedRequest) -> Any:
            if not is_shadow(request):
                return own(request)
            opened[0].open(f"{model} asked")
            return wait[model]

        return decide

    played = play(
        tmp_path,
        {"m1": worker("by m1", lambda request: asks()), "m2": shadow_of("m2"), "m3": shadow_of("m3")},
        orchestrator=rules("agents"),
        before=lambda run, server: opened.append(server),
    )
    assert played.result.exit_code == 0, played.result.message
    value = json.loads(results(played, "m1")[0])
    assert value["status"] == "complete" and value["request_id"]
    assert value["responses"] == [
        {"responder_id": "agent2", "content": "Blue.", "is_human": False},
        {"responder_id": "agent3", "content": "Dark blue.", "is_human": False},
    ]
    for model in ("m2", "m3"):
        (request,) = shadows(played, model)
        assert request.view.tool_names == () and QUESTION in request.view.last_user
    assert not shadows(played, "m1")


@pytest.mark.spec("COORD-145", "COORD-146")
def test_a_shadow_knows_what_its_parent_is_saying_and_the_parent_works_on(tmp_path: Path) -> None:
    """The parent's stream stands open, with words said, until the asker has its answer."""
    opened: list[Any] = []
    beginning = "I lean towards blue paint. "

    def asker(request: ReceivedRequest) -> Any:
        if any(given.name == "ask_others" for given in request.view.results):
            opened[0].open("asker has read")
        return worker("by m1", lambda request: asks())(request)

    def parent(request: ReceivedRequest) -> Any:
        if request.number == 1:
            hold = Hold(gate="asker has read", after_chunks=2)
            return Turn(text=beginning * 2, chunks=4, calls=(call("vote", agent_id="agent9", reason="r"),), hold=hold)
        return worker("by m2")(request)

    def first_waits(request: ReceivedRequest) -> Any:
        if request.number == 1:
            return Turn(calls=asks(), hold=Hold(gate="parent spoke"))
        return asker(request)

    def watch(run: Any, server: ScriptedProvider) -> None:
        from massgen.events.types import Content

        opened.append(server)

        def heard(event: Any) -> None:
            if event.agent_id == "agent_b" and isinstance(event.body, Content):
                server.open("parent spoke")

        run.stream.subscribe(heard)

    played = play(
        tmp_path,
        {"m1": first_waits, "m2": with_shadow(parent, Turn(text="Blue."))},
        orchestrator=rules("agents"),
        before=watch,
    )
    assert played.result.exit_code == 0, played.result.message
    (shadow,) = shadows(played, "m2")
    assert "I lean towards" in shadow.view.text and "Do it." in shadow.view.text
    assert [request for request in played.asked("m2") if request.outcome == "left"] == []
    told = next(request for request in played.asked("m2") if "[INFO]" in request.view.text)
    assert (
        f'[INFO] While you were working, agent1 asked: "{QUESTION}" Your shadow agent responded: "Blue." '
        "(This is just for your awareness - you may continue your work.)"
    ) in told.view.text.replace('\\"', '"')


@pytest.mark.spec("COORD-144")
def test_at_the_timeout_the_responses_so_far_are_given(tmp_path: Path) -> None:
    played = play(
        tmp_path,
        {
            "m1": worker("by m1", lambda request: asks()),
            "m2": with_shadow(worker("by m2"), Turn(text="Blue.")),
            "m3": with_shadow(worker("by m3"), Turn(text="late", hold=Hold(gate="never"))),
        },
        orchestrator=rules("agents", broadcast_timeout=30),
        quickly=True,
    )
    value = json.loads(results(played, "m1")[0])
    assert value["status"] == "timeout"
    assert [item["responder_id"] for item in value["responses"]] == ["agent2"]


@pytest.mark.spec("COORD-149")
def test_beyond_the_limit_a_question_is_a_tool_error(tmp_path: Path) -> None:
    played = play(
        tmp_path,
        {
            "m1": worker("by m1", lambda request: (*asks("One?"), *asks("Two?"))),
            "m2": with_shadow(worker("by m2"), Turn(text="Blue.")),
        },
        orchestrator=rules("agents", max_broadcasts_per_agent=1),
    )
    first, second = results(played, "m1")
    assert json.loads(first)["status"] == "complete"
    assert "limit" in second and len(shadows(played, "m2")) == 1


@pytest.mark.spec("COORD-149")
@pytest.mark.parametrize("level", ["low", "medium", "high"])
def test_sensitivity_and_depth_set_the_words_of_agent_and_shadow(tmp_path: Path, level: str) -> None:
    played = play(
        tmp_path,
        {
            "m1": worker("by m1", lambda request: asks()),
            "m2": with_shadow(worker("by m2"), Turn(text="Blue.")),
        },
        orchestrator=rules("agents", broadcast_sensitivity=level, response_depth=level),
    )
    assert [name for name, text in SENSITIVITY.items() if text in played.asked("m1")[0].view.system] == [level]
    assert [name for name, text in DEPTH.items() if text in shadows(played, "m2")[0].view.system] == [level]
    assert len(set(SENSITIVITY.values())) == len(set(DEPTH.values())) == 3


@pytest.mark.spec("COORD-145")
def test_a_shadow_keeps_the_system_message_of_its_agent(tmp_path: Path) -> None:
    async def story() -> None:
        scripts: dict[str, Any] = {
            "m1": worker("by m1", lambda request: asks()),
            "m2": with_shadow(worker("by m2"), Turn(text="Blue.")),
        }
        async with ScriptedProvider(scripts) as server, asyncio.timeout(250):
            first, second = team(server.openai_url, scripts)
            second["system_message"] = "You paint houses."
            config = {"agents": [first, second], "orchestrator": rules("agents")}
            loaded = load_config(config, launch=tmp_path)
            await Conversation(RunRequest(loaded=loaded, question="", launch=tmp_path)).turn("Do it.").execute()
            (shadow,) = [request for request in server.requests_for("m2") if is_shadow(request)]
            assert "You paint houses." in shadow.view.system
            assert "new_answer" not in shadow.view.system

    asyncio.run(story())


@pytest.mark.spec("COORD-150")
def test_the_old_tool_says_that_responses_are_automatic(tmp_path: Path) -> None:
    played = play(
        tmp_path,
        {"m1": worker("by m1", lambda request: (call("respond_to_broadcast", answer="Blue"),)), "m2": worker("b")},
        orchestrator=rules("agents"),
    )
    (text,) = results(played, "m1", "respond_to_broadcast")
    assert "automatically" in text


class People:
    """A person who answers in turn; who was asked what, and how many questions were open at most."""

    def __init__(self, *answers: str | None) -> None:
        self.answers = list(answers)
        self.asked: list[tuple[str, str, float]] = []
        self.open = self.most = 0

    async def __call__(self, question: HumanQuestion) -> str | None:
        self.asked.append((question.asker, question.text, question.seconds))
        self.open += 1
        self.most = max(self.most, self.open)
        await asyncio.sleep(0)
        self.open -= 1
        return self.answers.pop(0)


@pytest.mark.spec("COORD-144", "COORD-147", "COORD-148")
def test_a_persons_answer_is_shown_to_the_next_who_asks_and_asked_again_only_after_that(tmp_path: Path) -> None:
    person = People("Blue.", "Matt.")

    def second(request: ReceivedRequest) -> Any:
        if request.number == 1:
            return Turn(calls=asks("Second?"), hold=Hold(model="m1", count=2))
        if request.number == 2:
            return use(*asks("Second, really?"))
        return worker("by m2")(request)

    played = play(
        tmp_path,
        {"m1": worker("by m1", lambda request: asks() if request.number == 1 else ()), "m2": second},
        orchestrator=rules("human", broadcast_timeout=33),
        ask_human=person,
    )
    (first,) = [json.loads(text) for text in results(played, "m1")]
    assert first == {
        "status": "complete", "responses": [{"responder_id": "human", "content": "Blue.", "is_human": True}],
    }  # fmt: skip
    deferred, again = (json.loads(text) for text in results(played, "m2"))
    note = deferred.pop("human_qa_note")
    assert deferred == {
        "status": "deferred", "responses": [], "human_qa_history": [{"question": QUESTION, "answer": "Blue."}],
    }  # fmt: skip
    assert note.startswith("The human has already answered questions this session. Review the history above")
    assert again["responses"][0]["content"] == "Matt."
    assert person.asked == [("agent_a", QUESTION, 33.0), ("agent_b", "Second, really?", 33.0)]
    assert not shadows(played, "m1") and not shadows(played, "m2")


@pytest.mark.spec("COORD-148")
def test_one_question_at_a_time_reaches_the_person(tmp_path: Path) -> None:
    person = People(None, None)
    play(
        tmp_path,
        {"m1": worker("a", lambda request: asks()), "m2": worker("b", lambda request: asks())},
        orchestrator=rules("human"),
        ask_human=person,
    )
    assert len(person.asked) == 2 and person.most == 1


@pytest.mark.spec("COORD-147")
def test_a_skipped_question_has_no_response(tmp_path: Path) -> None:
    played = play(
        tmp_path,
        {"m1": worker("a", lambda request: asks())},
        orchestrator=rules("human"),
        ask_human=People(None),
    )
    assert json.loads(results(played, "m1")[0]) == {"status": "complete", "responses": []}


@pytest.mark.spec("COORD-144", "COORD-147")
def test_a_person_who_does_not_answer_in_time_has_no_response(tmp_path: Path) -> None:
    async def silent(question: HumanQuestion) -> str | None:
        await asyncio.Event().wait()
        return "never"

    played = play(
        tmp_path,
        {"m1": worker("a", lambda request: asks())},
        orchestrator=rules("human", broadcast_timeout=1),
        ask_human=silent,
    )
    assert json.loads(results(played, "m1")[0]) == {"status": "timeout", "responses": []}


@pytest.mark.spec("COORD-148")
def test_what_a_person_answered_is_known_in_the_next_turn(tmp_path: Path) -> None:
    person = People("Blue.")

    async def story() -> None:
        scripts: dict[str, Any] = {"m1": worker("a", lambda request: asks())}
        async with ScriptedProvider(scripts) as server, asyncio.timeout(250):
            config = {"agents": team(server.openai_url, ["m1"]), "orchestrator": rules("human")}
            loaded = load_config(config, launch=tmp_path)
            chat = Conversation(RunRequest(loaded=loaded, question="", launch=tmp_path, ask_human=person))
            for question in ("One", "Two"):
                assert (await chat.turn(question).execute()).exit_code == 0
            given = [item.text for request in server.requests_for("m1") for item in request.view.results]
            assert any('"deferred"' in text and "Blue." in text for text in given)

    asyncio.run(story())
    assert len(person.asked) == 1


@pytest.mark.spec("COORD-151")
def test_validation_names_an_agent_that_cannot_ask(tmp_path: Path) -> None:
    agents = (
        f"agents: [{{id: a, backend: {{type: claude_code}}}},"
        f" {{id: b, backend: {{type: openai, model: m, api_key: {KEY}}}}}]\n"
    )
    path = tmp_path / "team.yaml"
    path.write_text(agents + "orchestrator: {coordination: {broadcast: agents}}\n")
    shown = massgen(tmp_path, "--validate", path)
    assert "agents[0].backend.type" in shown.stdout + shown.stderr
    assert "'claude_code' cannot use ask_others" in shown.stdout + shown.stderr


@pytest.mark.spec("COORD-153")
@pytest.mark.parametrize("name", ["test_broadcast_agents", "test_broadcast_human"])
def test_the_example_configurations_are_valid(tmp_path: Path, name: str) -> None:
    import massgen as package

    path = Path(package.__file__).parent / "configs" / "broadcast" / f"{name}.yaml"
    done = massgen(tmp_path, "--validate", path, "--strict")
    assert done.returncode == 0, done.stdout + done.stderr
    mode = load_config(path).require().orchestrator.coordination.broadcast
    assert mode == name.rpartition("_")[2]
