"""The workflow tools: how agents act on the coordination (section 2.1 of coordination.md).

Names and parameters are fixed; the words are paid for in every round and kept short.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec import Struct

TERMINAL = frozenset({"new_answer", "vote", "stop"})


class WorkflowTool(Struct, frozen=True, kw_only=True):
    """A tool that speaks to the rules; `parameters` is a JSON Schema of type object."""

    name: str
    description: str
    parameters: Mapping[str, Any]


def _schema(required: tuple[str, ...], **properties: Mapping[str, Any]) -> Mapping[str, Any]:
    return {"type": "object", "properties": properties, "required": list(required)}


_STRING = {"type": "string"}
_STRINGS = {"type": "array", "items": _STRING}

_ALL = (
    WorkflowTool(
        name="new_answer",
        description="Submit your complete answer. Ends your round.",
        parameters=_schema(("content",), content=_STRING),
    ),
    WorkflowTool(
        name="vote",
        description="Vote for the best current answer. Ends your round.",
        parameters=_schema(
            ("agent_id", "reason"), agent_id={"type": "string", "description": "such as agent1"}, reason=_STRING
        ),
    ),
    WorkflowTool(
        name="stop",
        description="Declare that you have nothing to add. Ends your round.",
        parameters=_schema(("reason",), reason=_STRING),
    ),
    WorkflowTool(
        name="submit_checklist",
        description="Score every current answer by every criterion, 0 to 10; the verdict says how to go on.",
        parameters=_schema(
            ("scores",),
            scores={
                "type": "object",
                "description": 'label -> criterion -> {"score": n, "reasoning": "..."}',
                "additionalProperties": {"type": "object"},
            },
            preferred={"type": "string", "description": "label of the best answer"},
            improvements={**_STRINGS, "description": "what would make it better"},
        ),
    ),
    WorkflowTool(
        name="draft_approach",
        description="After the verdict iterate: how you will fix the failing criteria and what you keep.",
        parameters=_schema(
            ("fix",),
            fix={
                "type": "array",
                "items": _schema(("criterion", "plan"), criterion=_STRING, plan=_STRING),
            },
            preserve=_STRINGS,
        ),
    ),
    WorkflowTool(
        name="ask_others",
        description="Ask a question and wait for the responses.",
        parameters=_schema(("question",), question=_STRING),
    ),
    WorkflowTool(
        name="respond_to_broadcast",
        description="Not needed: questions to you are answered automatically.",
        parameters=_schema(("answer",), answer=_STRING),
    ),
    WorkflowTool(
        name="submit",
        description="The delivered answer is good: end the task.",
        parameters=_schema(("confirmed",), confirmed={"type": "boolean"}),
    ),
    WorkflowTool(
        name="restart_orchestration",
        description="The delivered answer is not good enough: let the team start over.",
        parameters=_schema(("reason", "instructions"), reason=_STRING, instructions=_STRING),
    ),
)

WORKFLOW_TOOLS: Mapping[str, WorkflowTool] = {tool.name: tool for tool in _ALL}
