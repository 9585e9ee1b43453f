"""Where a checklist's criteria come from: a file, a preset, the generator, else the defaults (COORD-076 to 080)."""

from __future__ import annotations

import json
from pathlib import Path

from massgen.coordination.criteria import Criterion
from massgen.engine.preparing.oneshot import NoUsefulReply
from massgen.engine.preparing.requests import parse_criteria
from massgen.errors import ConfigError
from massgen.views.files import guarded, write_json

ALIASES = {
    "persona_generation": "persona",
    "task_decomposition": "decomposition",
    "prompt_crafting": "prompt",
    "log_analysis": "analysis",
}
_PRESETS: dict[str, tuple[tuple[str, str], ...]] = {
    "persona": (
        ("personas differ in what they value, not only in wording", "diversity"),
        ("each persona fits the task", "relevance"),
        ("each persona is concrete enough to act on", "specificity"),
        ("no persona leads away from a right answer", "safety"),
    ),
    "decomposition": (
        ("the subtasks together cover the whole task", "completeness"),
        ("subtasks overlap as little as possible", "separation"),
        ("each subtask can be done by one agent alone", "feasibility"),
        ("results can be put together without rework", "integration"),
    ),
    "prompt": (
        ("the prompt asks for exactly what is wanted", "correctness"),
        ("nothing in it can be misread", "clarity"),
        ("it names inputs, outputs and limits", "completeness"),
        ("it is as short as it can be", "economy"),
    ),
    "analysis": (
        ("every claim is backed by a place in the log", "evidence"),
        ("causes are told from symptoms", "depth"),
        ("findings are ordered by what they cost", "priority"),
        ("each finding says what to do", "usefulness"),
    ),
    "evaluation": (
        ("the verdict follows from stated criteria", "validity"),
        ("strengths and weaknesses are both shown with examples", "balance"),
        ("claims were checked, not assumed", "verification"),
        ("improvements are concrete and ordered", "usefulness"),
    ),
}


def preset(name: str) -> tuple[Criterion, ...]:
    """A named set (COORD-079). Raises `ConfigError` that lists the names."""
    found = _PRESETS.get(ALIASES.get(name, name))
    if found is None:
        names = ", ".join((*_PRESETS, *ALIASES))
        raise ConfigError(f"There are no criteria named {name!r}.", hint=f"Choose one of: {names}")
    return tuple(Criterion(id=f"E{n}", text=text, category=kind) for n, (text, kind) in enumerate(found, 1))


def from_file(path: Path) -> tuple[Criterion, ...]:
    """The criteria of `--eval-criteria`. Raises `ConfigError` for a file that cannot be read or holds none."""
    hint = 'It should hold {"criteria": [{"text": "..."}]} or a list of texts.'
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"The criteria file {path} cannot be read ({error.strerror}).") from error
    except ValueError as error:
        raise ConfigError(f"The criteria file {path} is no valid JSON ({error}).", hint=hint) from error
    try:
        return tuple(parse_criteria(value.get("criteria") if isinstance(value, dict) else value))
    except NoUsefulReply as error:
        raise ConfigError(f"The criteria file {path}: {error}.", hint=hint) from error


def keep(criteria: tuple[Criterion, ...], directory: Path) -> None:
    """`evaluation_criteria.json` of the attempt (COORD-077)."""
    items = [{"id": c.id, "text": c.text, "category": c.category, "verify_by": c.verify_by} for c in criteria]
    guarded("evaluation_criteria.json", lambda: write_json(directory / "evaluation_criteria.json", {"criteria": items}))
