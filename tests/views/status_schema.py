"""The documented shape of status.json as a JSON Schema (LOG-030)."""

from __future__ import annotations

from typing import Any

NUMBER, INTEGER, TEXT, FLAG = {"type": "number"}, {"type": "integer"}, {"type": "string"}, {"type": "boolean"}
PERCENT = {"type": "integer", "minimum": 0, "maximum": 100}


def either(schema: dict[str, Any]) -> dict[str, Any]:
    return {"anyOf": [schema, {"type": "null"}]}


def shape(**properties: Any) -> dict[str, Any]:
    """An object with all of these keys; more are allowed."""
    return {"type": "object", "properties": properties, "required": list(properties)}


AGENT = shape(
    status={
        "enum": ["waiting", "streaming", "answered", "voted", "restarting", "error", "timeout", "completed"],
    },
    answer_count=INTEGER,
    latest_answer_label=either({"type": "string", "pattern": r"^agent\d+\.\d+$"}),
    vote_cast=either(
        shape(voted_for_agent=TEXT, voted_for_label=TEXT, reason_preview={"type": "string", "maxLength": 100})
    ),
    times_restarted=INTEGER,
    last_activity=NUMBER,
    error=either(shape(type=TEXT, message=TEXT, timestamp=NUMBER)),
    token_usage=shape(input_tokens=INTEGER, output_tokens=INTEGER, estimated_cost=NUMBER),
)
STATUS = shape(
    is_complete=FLAG,
    exit_code=either(INTEGER),
    completion_percentage=PERCENT,
    total_tokens_used=INTEGER,
    total_cost=NUMBER,
    meta=shape(
        last_updated=NUMBER,
        session_id={"type": "string", "pattern": "^log_"},
        log_dir={"type": "string", "pattern": "^/"},
        question=TEXT,
        start_time=NUMBER,
        elapsed_seconds=NUMBER,
        turn=INTEGER,
        attempt=INTEGER,
        pid=INTEGER,
    ),
    costs=shape(total_input_tokens=INTEGER, total_output_tokens=INTEGER, total_estimated_cost=NUMBER),
    coordination=shape(
        phase={"enum": ["initial_answer", "enforcement", "presentation"]},
        active_agent=either(TEXT),
        completion_percentage=PERCENT,
        is_final_presentation=FLAG,
        round=INTEGER,
        total_answers=INTEGER,
    ),
    agents={"type": "object", "additionalProperties": AGENT},
    results=shape(
        votes={"type": "object", "additionalProperties": INTEGER},
        winner=either(TEXT),
        final_answer_preview=either({"type": "string", "maxLength": 200}),
    ),
    historical_workspaces={
        "type": "array",
        "items": shape(agentId=TEXT, answerLabel=TEXT, timestamp=TEXT, workspacePath=TEXT),
    },
    telemetry=shape(total_calls=INTEGER, by_model={"type": "object"}, by_agent={"type": "object"}),
)
