"""What is asked before coordination, and what a useful reply looks like. Words are the project's own."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from massgen.backends.protocol import ModelBackend, ToolSpec
from massgen.coordination.criteria import Criterion
from massgen.engine.preparing.oneshot import Asker, NoUsefulReply

PERSONA_MODES = {
    "perspective": "different values and priorities",
    "implementation": "different kinds of solution",
    "methodology": "different ways of working",
}
PERSONA_REMINDER = "Judge all solutions on their merit, whatever your own leaning."


class Persona(Struct, frozen=True, kw_only=True):
    """`text` is for exploration; with answers in view `softened` is used (COORD-140)."""

    text: str

    @property
    def softened(self) -> str:
        first = self.text.strip().split("\n", 1)[0]
        return f"Your leaning, lightly held: {first}\n{PERSONA_REMINDER}"


async def criteria(
    asker: Asker, backend: ModelBackend, agent_id: str, question: str, *, fewest: int, most: int
) -> tuple[Criterion, ...]:
    """Criteria for this task, `fewest` to `most` of them (COORD-077)."""
    system = (
        f"Write {fewest} to {most} criteria by which answers to the task will be judged. Reply with JSON only: "
        '{"criteria": [{"text": "...", "category": "...", "verify_by": "..."}]}'
    )
    value = await asker.json(backend, system, question, agent_id=agent_id, purpose="preparation")
    items = value.get("criteria") if isinstance(value, dict) else value
    found = tuple(parse_criteria(items))
    if not fewest <= len(found) <= most:
        raise NoUsefulReply(f"{len(found)} criteria instead of {fewest} to {most}")
    return found


def parse_criteria(items: object) -> list[Criterion]:
    """Criteria from a list of texts or objects; ids default to E1, E2, …. Raises `NoUsefulReply`."""
    if not isinstance(items, list) or not items:
        raise NoUsefulReply("no list of criteria")
    found: list[Criterion] = []
    for number, item in enumerate(items, 1):
        entry = {"text": item} if isinstance(item, str) else item
        text = entry.get("text") if isinstance(entry, dict) else None
        if not isinstance(entry, dict) or not isinstance(text, str) or not text.strip():
            raise NoUsefulReply(f"criterion {number} has no text")
        found.append(
            Criterion(
                id=str(entry.get("id") or f"E{number}"),
                text=" ".join(text.split()),
                category=str(entry.get("category") or ""),
                verify_by=str(entry.get("verify_by") or ""),
            )
        )
    if len({criterion.id for criterion in found}) != len(found):
        raise NoUsefulReply("two criteria have the same id")
    return found


async def personas(
    asker: Asker, backend: ModelBackend, agent_id: str, question: str, *, count: int, mode: str
) -> tuple[Persona, ...]:
    """One persona for each agent (COORD-139)."""
    system = (
        f"Describe {count} personas for {count} experts who will work on the task, with {PERSONA_MODES[mode]}. "
        'Two to four sentences each, addressed as "you", without names. '
        'Reply with JSON only: {"personas": ["...", ...]}'
    )
    value = await asker.json(backend, system, question, agent_id=agent_id, purpose="preparation")
    items = value.get("personas") if isinstance(value, dict) else value
    texts = [item.strip() for item in items if isinstance(item, str)] if isinstance(items, list) else []
    if len(texts) < count or not all(texts):
        raise NoUsefulReply(f"{len(texts)} personas instead of {count}")
    return tuple(Persona(text=text) for text in texts[:count])


async def subtasks(
    asker: Asker, backend: ModelBackend, agent_id: str, question: str, *, roles: Sequence[str]
) -> tuple[str, ...]:
    """One subtask for each agent (COORD-090); `roles` are what is known of them, by number."""
    lines = "\n".join(f"agent{n}: {role or 'no special role'}" for n, role in enumerate(roles, 1))
    system = (
        f"Split the task into {len(roles)} subtasks, one for each agent, that together cover all of it and overlap "
        f'as little as possible.\n{lines}\nReply with JSON only: {{"subtasks": ["...", ...]}} in the order of agents.'
    )
    value = await asker.json(backend, system, question, agent_id=agent_id, purpose="preparation")
    items = value.get("subtasks") if isinstance(value, dict) else value
    texts = [item.strip() for item in items if isinstance(item, str)] if isinstance(items, list) else []
    if len(texts) != len(roles) or not all(texts):
        raise NoUsefulReply(f"{len(texts)} subtasks instead of {len(roles)}")
    return tuple(texts)


async def paraphrase(asker: Asker, backend: ModelBackend, agent_id: str, question: str, *, careful: bool) -> str:
    """The question in other words (COORD-134)."""
    think = " First think about what exactly is asked." if careful else ""
    system = f"Rephrase the question so that it asks for exactly the same.{think} Reply with the new question only."
    text = await asker.text(backend, system, question, agent_id=agent_id, purpose="preparation")
    return text.strip().strip('"')


async def same_meaning(asker: Asker, backend: ModelBackend, agent_id: str, first: str, second: str) -> float:
    """How much two questions ask for the same, 0.0 to 1.0 (COORD-137)."""
    system = (
        "How much do the two questions ask for the same? 1.0 means that every answer to one answers the other. "
        'Reply with JSON only: {"likeness": 0.0}'
    )
    message = f"1: {first}\n2: {second}"
    value = await asker.json(backend, system, message, agent_id=agent_id, purpose="preparation")
    likeness = value.get("likeness") if isinstance(value, dict) else None
    if isinstance(likeness, bool) or not isinstance(likeness, int | float):
        raise NoUsefulReply("no likeness")
    return float(likeness)


class Irreversible(Struct, frozen=True, kw_only=True):
    """Tools that are blocked during coordination, and why (MCP-050)."""

    tools: tuple[str, ...]
    reasoning: str


async def irreversible_tools(
    asker: Asker, backend: ModelBackend, agent_id: str, question: str, *, tools: Sequence[ToolSpec]
) -> Irreversible:
    """Which of `tools` would have effects that cannot be taken back, for this question."""
    listing = "\n".join(f"- {tool.name}: {' '.join(tool.description.split())[:200]}" for tool in tools)
    system = (
        "Several agents will plan the task before one carries it out. Which tools have effects outside of an agent's "
        "own workspace that cannot be taken back (sending, posting, buying, deleting elsewhere)? Tools that only read "
        'are not among them. Reply with JSON only: {"irreversible": ["tool name", ...], "reasoning": "..."}'
    )
    message = f"Task: {question}\n\nTools:\n{listing}"
    value = await asker.json(backend, system, message, agent_id=agent_id, purpose="preparation")
    names = value.get("irreversible") if isinstance(value, dict) else None
    if not isinstance(names, list):
        raise NoUsefulReply("no list of tools")
    known = {tool.name for tool in tools}
    chosen = tuple(dict.fromkeys(name for name in names if isinstance(name, str) and name in known))
    return Irreversible(tools=chosen, reasoning=str(value.get("reasoning", "")))
