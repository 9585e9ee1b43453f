"""What agents are told. Only anonymous names and labels appear here; the order of parts is section 2.4's.

The system text is the same in every coordination round of an agent, so that providers' prompt caches hit.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from msgspec import Struct

QUESTION = "Does the best CURRENT ANSWER address the ORIGINAL MESSAGE well?"
FRAME = "=" * 60

_TAGS = re.compile(
    r"<(?=/?(?:original_message|runtime_instructions|restart_context|current_answers|answer|changedoc)\b)", re.I
)

_SENSITIVITY = {
    "lenient": "A solid answer deserves your vote; do not rewrite for small gains.",
    "balanced": "Vote only for an answer that is comprehensive, accurate and complete.",
    "strict": "Vote only for excellence: edge cases covered, nothing wrong or missing, fit to be a reference.",
    "checklist_gated": "Follow the checklist: submit_checklist decides whether to vote or to iterate.",
}

_VOTING = f"""\
Several agents work on the same task at the same time; answers are shared without names.
Without CURRENT ANSWERS: work it out yourself and call new_answer.
With CURRENT ANSWERS, ask: {QUESTION}
If yes, vote for it, whoever wrote it. If no, call new_answer with a clearly better one that keeps the strengths \
and mends the faults of all.
"""

_DECOMPOSITION = """\
Several agents share one task; each owns a subtask, and results are shared without names.
Do your own subtask and call new_answer with your result, made to fit the CURRENT ANSWERS of the others.
Call stop when your part is done and fits.
"""

_ENDING = "Only what you pass to a workflow tool counts. End each round by calling one of those offered."


class ShownAnswer(Struct, frozen=True, kw_only=True):
    """An answer as one reader sees it: paths already rewritten for that reader, `workspace` empty without files."""

    label: str
    text: str
    workspace: str = ""
    changedoc: str = ""

    @property
    def body(self) -> str:
        """The text, and the change document behind it (COORD-156)."""
        text = neutralise(self.text)
        if not self.changedoc.strip():
            return text
        return f"{text}\n<changedoc>\n{neutralise(self.changedoc.strip())}\n</changedoc>"

    @property
    def agent(self) -> str:
        return self.label.partition(".")[0]


def neutralise(text: str) -> str:
    """Our tags inside foreign text lose their meaning (COORD-032)."""
    return _TAGS.sub("&lt;", text)


def coordination_system(
    *, mode: str, sensitivity: str, own: Sequence[str] = (), sections: Sequence[str] = ()
) -> str:
    """The system text of all coordination rounds: persona and user's own text first, then the rules (COORD-066)."""
    if mode == "decomposition":
        rules = f"{_DECOMPOSITION}{_ENDING}"
    else:
        rules = f"{_VOTING}{_SENSITIVITY.get(sensitivity, _SENSITIVITY['lenient'])}\n{_ENDING}"
    return "\n\n".join(part.strip() for part in (*own, rules, *sections) if part.strip())


def answers_block(answers: Sequence[ShownAnswer], *, chosen: str = "") -> str:
    """`<current_answers>` in one identical format for every reader (COORD-030)."""
    blocks = []
    for answer in answers:
        place = f' workspace="{answer.workspace}"' if answer.workspace else ""
        mark = ' chosen="true"' if answer.label == chosen else ""
        head = f'<answer label="{answer.label}" agent="{answer.agent}"{place}{mark}>'
        blocks.append(f"{head}\n{answer.body}\n</answer>")
    return "<current_answers>\n" + "\n".join(blocks) + "\n</current_answers>"


class RoundParts(Struct, frozen=True, kw_only=True):
    """What a round-start message is made of besides the answers; empty parts are left out."""

    original: str
    paraphrase: str = ""
    assignments: str = ""
    runtime: Sequence[str] = ()
    restart: str = ""


def round_message(parts: RoundParts, answers: Sequence[ShownAnswer], *, vote_only: bool = False) -> str:
    """The user message of a round; the original message stands in it verbatim."""
    out = [f"<original_message>\n{parts.original}\n</original_message>"]
    if parts.paraphrase:
        out.append(f"<paraphrase>\n{neutralise(parts.paraphrase)}\n</paraphrase>")
    if parts.assignments:
        out.append(f"<assignments>\n{neutralise(parts.assignments)}\n</assignments>")
    if parts.runtime:
        out.append(runtime_text(parts.runtime))
    if parts.restart:
        out.append(f"<restart_context>\n{parts.restart}\n</restart_context>")
    if answers:
        out.append(answers_block(answers))
    if vote_only:
        out.append("No further answers are possible: vote.")
    return "\n\n".join(out)


def runtime_text(texts: Sequence[str]) -> str:
    """What people said while the turn ran, at round starts and in the middle of a round alike."""
    lines = "\n".join(neutralise(text) for text in texts)
    return f"<runtime_instructions>\n{lines}\n</runtime_instructions>"


def injection_text(answers: Sequence[ShownAnswer]) -> str:
    """New answers in the middle of a round; the frame is fixed (section 2.4, HOOK-020)."""
    names = ", ".join(answer.agent for answer in answers)
    blocks = []
    for answer in answers:
        place = f"workspace: {answer.workspace}, " if answer.workspace else ""
        blocks.append(f"[{answer.agent}] ({place}label: {answer.label}):\n{_unframed(neutralise(answer.text))}")
    body = "\n\n".join(blocks)
    return (
        f"{FRAME}\nNEW ANSWER RECEIVED - decide what it means for your work\n{FRAME}\n"
        f"[UPDATE: {names} submitted new answer(s)]\n{body}\n{FRAME}\n"
        "Look at it and its files. Then vote for it, build on it, merge it with yours, or go on with good reason; "
        f"decide explicitly and note it in your task plan if you keep one.\n{FRAME}"
    )


def _unframed(text: str) -> str:
    """Lines that look like the frame's own are indented, so that an answer cannot close it or speak as another."""
    return re.sub(r"^(?======|\[UPDATE:|\[agent\d+\] \()", " ", text, flags=re.M)


def reminder_text(tools: Sequence[str]) -> str:
    """After a response without a terminal call (COORD-017)."""
    names = " or ".join(tool for tool in tools if tool not in ("submit_checklist", "draft_approach"))
    return f"Nothing was submitted. End the round by calling {names}."


_PRESENT = """\
The team chose your answer to the ORIGINAL MESSAGE. Now deliver the final answer to the person who asked: reply \
with the whole answer itself, improved where the others' answers or the reasons help. Do not speak of agents, \
votes or this process.
"""

_SYNTHESIZE = """\
The team answered the ORIGINAL MESSAGE. Now deliver the final answer to the person who asked: merge the best parts \
of all CURRENT ANSWERS into one whole. Do not speak of agents, votes or this process.
"""

_INTEGRATE = """\
The team finished its subtasks of the ORIGINAL MESSAGE. Now deliver the final result to the person who asked: \
integrate all CURRENT ANSWERS into one coherent whole. Do not speak of agents, subtasks or this process.
"""

_DIRECT = "Answer the ORIGINAL MESSAGE. Your reply is delivered to the person as it is."


def presentation_system(
    style: str, *, own: Sequence[str] = (), sections: Sequence[str] = (), planning: bool = False
) -> str:
    """`style` is present, synthesize, integrate or direct (COORD-094, COORD-101, COORD-102)."""
    texts = {"present": _PRESENT, "synthesize": _SYNTHESIZE, "integrate": _INTEGRATE, "direct": _DIRECT}
    off = "Planning mode is off: execute the agreed plan now, with all your tools." if planning else ""
    return "\n\n".join(part.strip() for part in (*own, texts[style], off, *sections) if part.strip())


def presentation_message(
    parts: RoundParts, answers: Sequence[ShownAnswer], *, chosen: str, reasons: Sequence[str]
) -> str:
    """Original message, all current answers with the chosen one marked, and why it was voted for, without names."""
    out = [round_message(RoundParts(original=parts.original, runtime=parts.runtime, restart=parts.restart), ())]
    if answers:
        out.append(answers_block(answers, chosen=chosen))
    if reasons:
        lines = "\n".join(f"- {neutralise(reason.strip())}" for reason in reasons if reason.strip())
        out.append(f"<vote_reasons>\n{lines}\n</vote_reasons>")
    return "\n\n".join(out)


EVALUATION_SYSTEM = (
    "Judge the DELIVERED ANSWER against the ORIGINAL MESSAGE, strictly. Call submit if it does what was asked; call "
    "restart_orchestration with the reason and concrete instructions if the team should start over."
)


def evaluation_message(original: str, delivered: str) -> str:
    """What the winner judges after its presentation (COORD-106)."""
    return (
        f"<original_message>\n{original}\n</original_message>\n\n"
        f"<delivered_answer>\n{neutralise(delivered)}\n</delivered_answer>"
    )


class PastAttempt(Struct, frozen=True, kw_only=True):
    """Why an attempt was not accepted."""

    reason: str
    instructions: str


def restart_context(past: Sequence[PastAttempt]) -> str:
    """What attempts after the first are told of those before (COORD-109)."""
    if not past:
        return ""
    out = ["## Previous Orchestration Attempts", f"This is attempt {len(past) + 1} to solve the task."]
    for number, attempt in enumerate(past, 1):
        if len(past) > 1:
            out.append(f"### Attempt {number}")
        out.append(f"**Why the restart was requested:** {neutralise(attempt.reason)}")
        out.append(f"**Instructions for improvement:** {neutralise(attempt.instructions)}")
    return "\n".join(out)


PLANNING = (
    "Planning mode: describe what is to be done, do not do it. Agree on a plan with new_answer and vote; it is carried "
    "out after the vote. Tools with effects that cannot be taken back are refused until then."
)

CHANGEDOC = """\
First create tasks/changedoc.md in your workspace and log decisions there as you make them; inherit the document of \
the answer you build on. Format:
# Change Document
**Based on:** agent1.1
## Summary
## Decisions
### DEC-001: title
**Origin:** [SELF] --- NEW (or: agent1.1, modified by [SELF])
**Choice:** **Why:** **Alternatives considered:**
**Implementation:** `path:Lx-y` -> `symbol()` --- what
## Deliberation Trail
### [SELF] (based on agent1.1): - DEC-001: Kept --- reason"""

CHANGEDOC_FINAL = (
    "Consolidate tasks/changedoc.md: drop superseded decisions, update code references, keep trail and NEW markers."
)
