"""Scripts as a YAML or JSON file, for the provider as a program.

    models:
      model-a: {policy: answer_then_vote, text: "Four.", votes_for: agent1}
      model-b:                                  # a list: one reply for each call
        - {fault: http_error, status: 429, retry_after: "0"}
        - {text: "Let me see.", calls: [{name: vote, arguments: {agent_id: agent1, reason: clear}}]}
      model-c: {text: "The same every time.", chunks: 100, pace: {first: 0.5}}
    default: {text: "I am any other model."}    # without it, other models do not exist
    pace: {first: 0.2, between: 0.01, jitter: 0.5, seed: 7}
    chaos: {rate: 0.1, seed: 7}

Keys are the fields of `massgen.testing.replies`; `arguments` may be an object or raw text.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from massgen.testing import replies
from massgen.testing.policies import answer_then_vote
from massgen.testing.replies import Chaos, Pace, Policy, Reply, Script, Turn

FAULTS: dict[str, type[Any]] = {
    "http_error": replies.HttpError,
    "dropped": replies.Dropped,
    "stalled": replies.Stalled,
    "drip": replies.Drip,
    "bad_frame": replies.BadFrame,
    "stream_error": replies.StreamError,
    "bad_body": replies.BadBody,
    "refused": replies.Refused,
}


class ScriptFile(Struct, frozen=True, kw_only=True):
    """What a script file says."""

    models: dict[str, Script]
    default: Script | None = None
    pace: Pace | None = None
    chaos: Chaos | None = None


def load_scripts(path: Path | str) -> ScriptFile:
    """Read a script file. Raises ValueError with the place of what is wrong, OSError where it is unreadable."""
    import yaml

    try:
        content = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
    except yaml.YAMLError as error:
        raise ValueError(f"{path}: {error}") from error
    return read_scripts(content)


def read_scripts(content: object) -> ScriptFile:
    """The scripts of a file's content."""
    top = mapping(content, "the file")
    known(top, {"models", "default", "pace", "chaos"}, "the file")
    models = mapping(top.get("models") or {}, "models")
    return ScriptFile(
        models={str(name): script(value, f"models.{name}") for name, value in models.items()},
        default=script(top["default"], "default") if "default" in top else None,
        pace=build(Pace, top["pace"], "pace") if "pace" in top else None,
        chaos=build(Chaos, top["chaos"], "chaos") if "chaos" in top else None,
    )


def script(value: object, place: str) -> Script:
    if isinstance(value, list):
        return [one(item, f"{place}[{number}]") for number, item in enumerate(value)]
    return one(value, place)


def one(value: object, place: str) -> Reply | Policy:
    """One reply, fault or policy."""
    given = dict(mapping(value, place))
    if (policy := given.pop("policy", None)) is not None:
        if policy != "answer_then_vote":
            raise ValueError(f"{place}: there is no policy {policy!r}, only 'answer_then_vote'")
        known(given, {"text", "votes_for", "reason", "chunks"}, place)
        return answer_then_vote(**given)
    if (fault := given.pop("fault", None)) is not None:
        if fault not in FAULTS:
            raise ValueError(f"{place}: there is no fault {fault!r}, only {', '.join(FAULTS)}")
        return build(FAULTS[fault], given, place)
    return build(Turn, given, place)


def build(kind: type[Any], value: object, place: str) -> Any:
    """A value of `replies`, validated with its nested ones."""
    given = dict(mapping(value, place))
    known(given, kind.__struct_fields__, place)
    for turn in (given, given.get("turn")):
        if isinstance(turn, dict) and "calls" in turn:
            turn["calls"] = [call(item, f"{place}.calls") for item in turn["calls"]]
    try:
        return msgspec.convert(given, kind)
    except msgspec.ValidationError as error:
        what, _, where = str(error).partition(" - at `$")
        raise ValueError(f"{place}{where.removesuffix('`')}: {what}") from error


def call(value: object, place: str) -> dict[str, Any]:
    given = dict(mapping(value, place))
    known(given, {"name", "arguments", "call_id"}, place)
    if not isinstance(given.get("arguments", ""), str):
        given["arguments"] = json.dumps(given["arguments"], ensure_ascii=False)
    return given


def mapping(value: object, place: str) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise ValueError(f"{place} must be a mapping, not {type(value).__name__}")
    return value


def known(given: Mapping[str, Any], names: Collection[str], place: str) -> None:
    """Raise for keys that mean nothing here."""
    if strange := sorted(set(given).difference(names)):
        raise ValueError(f"{place}: unknown key {strange[0]!r}; known are {', '.join(sorted(names))}")
