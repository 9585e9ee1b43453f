"""Policies: models that decide from the request, so that a team converges whatever the order of its rounds."""

from __future__ import annotations

import dataclasses
import inspect
import json
import re

from msgspec.structs import replace

from massgen.testing.replies import Call, Policy, Reply, Turn, call, say, use
from massgen.testing.requests import OfferedTool, ReceivedRequest, View

ANSWER = re.compile(r"<answer [^>]*?\b(agent\d+)\b[^>]*>(.*?)</answer>", re.DOTALL)
INJECTED = re.compile(r"^\[(agent\d+)\](?: \(.*\))?:?$", re.MULTILINE)
DESCRIBED = re.compile(r"^- (\w+): .*? arguments: \{", re.MULTILINE)


def answer_then_vote(
    text: str, votes_for: str = "agent1", *, reason: str = "It is correct.", chunks: int | None = None
) -> Policy:
    """Answers with `text` while no answer is visible, votes once one is, else says `text`.

    `votes_for` is an anonymous name, or `best` for the longest visible answer (the first of equals). Where
    the name has no visible answer yet, the vote goes to the first one that has. Where neither `new_answer`
    nor `vote` is offered (the presentation), it says the text; `stop` and `submit` are called where offered.
    """

    def decide(request: ReceivedRequest) -> Turn:
        names = request.view.tool_names
        visible = visible_answers(request.view)
        if "vote" in names and visible:
            best = max(visible, key=lambda name: len(visible[name]))
            wanted = best if votes_for == "best" else votes_for
            chosen = wanted if wanted in visible else next(iter(visible))
            return use(call("vote", agent_id=chosen, reason=reason))
        if "stop" in names and visible:
            return use(call("stop", reason=reason))
        if "new_answer" in names:
            return Turn(calls=(call("new_answer", content=text),), chunks=chunks)
        if "submit" in names:
            return use(call("submit", confirmed=True))
        return say(text, chunks=chunks)

    return decide


def visible_answers(view: View) -> dict[str, str]:
    """The answers that the request shows, by anonymous name in order: text of the block, "" if injected."""
    block = view.text.rpartition("<current_answers>")[2]
    found = {name: text.strip() for name, text in ANSWER.findall(block)}
    for name in INJECTED.findall(view.text):
        found.setdefault(name, "")
    return dict(sorted(found.items(), key=lambda pair: int(pair[0].removeprefix("agent"))))


def calls_as_text(policy: Policy) -> Policy:
    """The policy for a model without tool calls (BE-021): it reads the tools' descriptions in the system text
    and writes its first call as one fenced JSON object at the end of its text.
    """

    async def decide(request: ReceivedRequest) -> Reply:
        names = DESCRIBED.findall(request.view.system)
        view = replace(request.view, tools=tuple(OfferedTool(name=name) for name in names))
        reply = policy(dataclasses.replace(request, view=view))
        if inspect.isawaitable(reply):
            reply = await reply
        if not isinstance(reply, Turn) or not reply.calls:
            return reply
        return replace(reply, text=f"{reply.text}\n{fenced(reply.calls[0])}".strip(), calls=())

    return decide


def fenced(made: Call) -> str:
    """The block of text that stands for a call."""
    return f'```json\n{{"tool": {json.dumps(made.name)}, "arguments": {made.arguments}}}\n```'
