"""`type: simulated`: a team that rehearses from a script, without key, network or provider library.

It sees only what a model would see: the request. Questions that its script does not know get a plain sentence
saying so.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from massgen.backends.options import Options
from massgen.backends.protocol import ModelRequest, ToolResultMessage, UserMessage
from massgen.backends.script import Call, Failure, Rehearsal, Script, ScriptTurn, Vote, When, load_script
from massgen.backends.simulated import CHUNK, PolicyBackend, Turn
from massgen.errors import (
    AuthenticationFailed,
    BackendError,
    BadRequest,
    ConfigError,
    ConnectionFailed,
    ContextTooLong,
    RateLimited,
    ServerFailed,
)

DEFAULT_SCRIPT = "demo/team.script.yaml"
CHARACTERS_A_SECOND = 220
"""How fast a simulated agent writes at pace 1."""

_ANSWER = re.compile(r"<answer\b([^>]*)>(.*?)</answer>", re.DOTALL)
_INJECTED = re.compile(
    r"^\[(agent\d+)\] \((?:workspace: [^\n]*, )?label: ([^)\n]+)\):\n(.*?)(?=^\[agent\d+\] \(|^={20,}$|\Z)",
    re.DOTALL | re.MULTILINE,
)
_ORIGINAL = re.compile(r"<original_message>(.*?)</original_message>", re.DOTALL)
_ATTRIBUTE = re.compile(r'(\w+)="([^"]*)"')
_PACKAGED = Path(__file__).resolve().parent.parent / "configs"


class SeenAnswer(Struct, frozen=True, kw_only=True):
    """An answer as an agent reads it."""

    label: str
    agent: str
    text: str


def rehearsed_backend(options: Options, *, agent_id: str, directory: Path | None = None) -> PolicyBackend:
    """The backend of one simulated agent; `script` starts at `directory`, else at the packaged examples."""
    script = _loaded(find_script(options.text("script") or DEFAULT_SCRIPT, directory))
    pace = options.number("pace")
    actor = Actor(script, agent_id=agent_id, pace=script.pace if pace is None else pace)
    return PolicyBackend(actor.turn, model=options.text("model") or "simulated")


def find_script(name: str, directory: Path | None = None) -> Path:
    """The file that `script: name` means; raises `ConfigError`."""
    path = Path(name.removeprefix("@examples/")).expanduser()
    places = [(directory or Path.cwd()) / path, _PACKAGED / path]
    for place in places:
        if place.is_file():
            return place
    raise ConfigError(f"The script '{name}' does not exist.", hint="Looked at " + " and ".join(map(str, places)) + ".")


def known_questions(name: str, directory: Path | None = None) -> tuple[str, ...]:
    """The questions that a script can rehearse."""
    return tuple(item.question for item in _loaded(find_script(name, directory)).rehearsals)


class Actor:
    """One agent's part in a script: a policy for `PolicyBackend`. Stateless: the same request, the same turn."""

    def __init__(self, script: Script, *, agent_id: str, pace: float) -> None:
        self._script = script
        self._agent_id = agent_id
        self._pace = pace

    def turn(self, request: ModelRequest) -> Turn:
        """The turn for one request."""
        offered = frozenset(tool.name for tool in request.tools)
        answers = seen_answers(request)
        rehearsal = self._rehearsal(request)
        if rehearsal is None:
            return self._paced(_plain_turn(self._refusal(), answers, offered))
        turns = rehearsal.agents.get(self._agent_id)
        if turns is None:
            parts = ", ".join(rehearsal.agents)
            text = f"The script has no part for '{self._agent_id}'; it has parts for: {parts}."
            return self._paced(_plain_turn(text, answers, offered))
        for turn in turns:
            if holds(turn.when, request, answers, offered):
                played = _played(turn, answers, offered)
                if played is not None:
                    return self._paced(played)
        return self._paced(_plain_turn("I have nothing to add.", answers, offered))

    def _rehearsal(self, request: ModelRequest) -> Rehearsal | None:
        asked = _question_of(request)
        for rehearsal in self._script.rehearsals:
            if any(_same(text) == asked for text in (rehearsal.question, *rehearsal.also)):
                return rehearsal
        return None

    def _refusal(self) -> str:
        known = "\n".join(f"- {item.question}" for item in self._script.rehearsals)
        return (
            "I am a simulated agent and can only rehearse what my script holds; I cannot answer this question. "
            f"Ask one of these, or configure a real model:\n{known}"
        )

    def _paced(self, turn: Turn) -> Turn:
        pause = CHUNK / CHARACTERS_A_SECOND
        return replace(turn, delay=turn.delay * self._pace, pause=pause * self._pace)


def seen_answers(request: ModelRequest) -> tuple[SeenAnswer, ...]:
    """The answers in the request's blocks, in their order; of one label the last block counts."""
    found: dict[str, SeenAnswer] = {}
    for message in request.messages:
        text = message.text if isinstance(message, UserMessage | ToolResultMessage) else ""
        for attributes, content in _ANSWER.findall(text):
            named = dict(_ATTRIBUTE.findall(attributes))
            label = named.get("label", "")
            agent = named.get("agent") or label.partition(".")[0]
            found.pop(label, None)
            found[label] = SeenAnswer(label=label, agent=agent, text=content.strip())
        for agent, label, content in _INJECTED.findall(text):
            found.pop(label, None)
            found[label] = SeenAnswer(label=label, agent=agent, text=content.strip())
    return tuple(found.values())


def holds(when: When, request: ModelRequest, answers: Sequence[SeenAnswer], offered: frozenset[str]) -> bool:
    """True where every given condition is met."""
    last = request.messages[-1] if request.messages else None
    after = last.name if isinstance(last, ToolResultMessage) else None
    return (
        (when.round is None or request.round == when.round)
        and (when.answers is None or len(answers) >= when.answers)
        and (when.answers_below is None or len(answers) < when.answers_below)
        and (when.sees is None or _containing(when.sees, answers) is not None)
        and (when.sees_not is None or _containing(when.sees_not, answers) is None)
        and (when.presenting is None or when.presenting == (not offered & {"new_answer", "vote"}))
        and (when.after_tool is None or when.after_tool == after)
    )


def _played(turn: ScriptTurn, answers: Sequence[SeenAnswer], offered: frozenset[str]) -> Turn | None:
    """The turn to stream, or None where the tool it needs is not offered."""
    calls = _calls(turn, answers)
    if calls is None or any(name not in offered for name, _ in calls):
        return None
    error = _failure(turn.fail) if turn.fail is not None else None
    return Turn(text=turn.say, reasoning=turn.think, calls=calls, delay=turn.delay, error=error)


def _calls(turn: ScriptTurn, answers: Sequence[SeenAnswer]) -> tuple[tuple[str, Mapping[str, Any]], ...] | None:
    if turn.answer is not None:
        return (("new_answer", {"content": turn.answer.strip()}),)
    if turn.vote is not None:
        chosen = _choice(turn.vote, answers)
        return None if chosen is None else (("vote", {"agent_id": chosen, "reason": turn.vote.reason}),)
    return tuple(_pair(call) for call in turn.calls)


def _pair(call: Call) -> tuple[str, Mapping[str, Any]]:
    return call.name, call.arguments


def _choice(vote: Vote, answers: Sequence[SeenAnswer]) -> str | None:
    """The visible name of the agent that a vote means, None where nothing visible fits."""
    if any(answer.agent == vote.choice for answer in answers):
        return vote.choice
    found = _containing(vote.choice, answers)
    return found.agent if found else None


def _containing(text: str, answers: Sequence[SeenAnswer]) -> SeenAnswer | None:
    wanted = _same(text)
    return next((answer for answer in reversed(answers) if wanted in _same(answer.text)), None)


def _plain_turn(text: str, answers: Sequence[SeenAnswer], offered: frozenset[str]) -> Turn:
    """Say `text` in the way that ends this round: as an answer, with a vote, or plainly."""
    if answers and "vote" in offered:
        reason = "Nothing in my script speaks against it."
        return Turn(calls=(("vote", {"agent_id": answers[0].agent, "reason": reason}),))
    if "new_answer" in offered:
        return Turn(calls=(("new_answer", {"content": text}),))
    return Turn(text=text)


def _failure(fail: Failure) -> BackendError:
    kinds: dict[str, type[BackendError]] = {
        "authentication": AuthenticationFailed,
        "rate_limit": RateLimited,
        "bad_request": BadRequest,
        "context_length": ContextTooLong,
        "server_error": ServerFailed,
        "connection": ConnectionFailed,
    }
    return kinds[fail.kind](fail.message)


def _question_of(request: ModelRequest) -> str:
    """What was asked, in the form in which questions are compared: the framed original, or the first message."""
    texts = [message.text for message in request.messages if isinstance(message, UserMessage)]
    framed = _ORIGINAL.search("\n".join(texts))
    if framed is not None:
        return _same(framed.group(1))
    return _same(texts[0]) if texts else ""


def _same(text: str) -> str:
    return " ".join(text.casefold().split())


@lru_cache(maxsize=8)
def _loaded(path: Path) -> Script:
    return load_script(path)
