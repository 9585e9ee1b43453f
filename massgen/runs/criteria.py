"""Where the criteria of a checklist come from: a file, a preset, or the defaults (COORD-078 to COORD-080)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from massgen.config import Config
from massgen.config.packaged import root_directory
from massgen.coordination.criteria import DEFAULT_CRITERIA, Criterion
from massgen.errors import ConfigError

PRESETS = ("persona", "decomposition", "prompt", "analysis", "evaluation")
ALIASES = {
    "persona_generation": "persona",
    "task_decomposition": "decomposition",
    "prompt_crafting": "prompt",
    "log_analysis": "analysis",
}
MAX_BYTES = 1_000_000
CHECKLIST_NOTICE = "Criteria were given, so that voting is checklist-gated in this run."


def chosen_criteria(file: Path | None, preset: str | None) -> tuple[Criterion, ...]:
    """The criteria of a run: the file beats the preset, which beats the defaults. Raises `ConfigError`."""
    if file is not None:
        return read_criteria(file)
    return preset_criteria(preset) if preset else DEFAULT_CRITERIA


def with_checklist(config: Config) -> tuple[Config, bool]:
    """Criteria count where voting is checklist-gated: that configuration, and whether it is another (COORD-080)."""
    if config.orchestrator.voting_sensitivity == "checklist_gated":
        return config, False
    orchestrator = config.orchestrator.model_copy(update={"voting_sensitivity": "checklist_gated"})
    return config.model_copy(update={"orchestrator": orchestrator}), True


def preset_criteria(name: str) -> tuple[Criterion, ...]:
    """A packaged set by name or alias."""
    known = ALIASES.get(name, name)
    if known not in PRESETS:
        raise ConfigError(f"There are no criteria {name!r}.", hint=f"Choose one of {', '.join(PRESETS)}.")
    return read_criteria(root_directory() / "criteria" / f"{known}.criteria.yaml")


def read_criteria(path: Path) -> tuple[Criterion, ...]:
    """Criteria from a JSON or YAML file: `{"criteria": [...]}` or a bare list, of objects or of strings."""
    import yaml

    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise ConfigError(f"The criteria file {path} cannot be read: {error.strerror}.") from error
    if len(data) > MAX_BYTES:
        raise ConfigError(f"The criteria file {path} is larger than 1 MB.")
    try:
        value = yaml.safe_load(data)
    except (yaml.YAMLError, UnicodeDecodeError, ValueError, RecursionError) as error:
        raise ConfigError(f"The criteria file {path} is neither JSON nor YAML ({type(error).__name__}).") from error
    return parse_criteria(value, str(path))


def parse_criteria(value: object, source: str) -> tuple[Criterion, ...]:
    """Checked criteria; ids default to E1, E2, ..."""
    items = value.get("criteria") if isinstance(value, Mapping) else value
    if not isinstance(items, Sequence) or isinstance(items, str) or not items:
        raise ConfigError(f"{source}: there are no criteria.", hint='Write {"criteria": [{"text": "..."}]}.')
    found = tuple(_criterion(item, number, source) for number, item in enumerate(items, 1))
    ids = [criterion.id for criterion in found]
    double = next((name for name in ids if ids.count(name) > 1), None)
    if double is not None:
        raise ConfigError(f"{source}: the id {double!r} stands there twice.")
    return found


def _criterion(item: object, number: int, source: str) -> Criterion:
    values = item if isinstance(item, Mapping) else {"text": item}
    text = values.get("text")
    if not isinstance(text, str) or not text.strip():
        raise ConfigError(f"{source}: criterion {number} has no text.")
    texts = {name: str(values.get(name) or "").strip() for name in ("id", "category", "verify_by")}
    return Criterion(
        id=texts["id"] or f"E{number}", text=text.strip(), category=texts["category"], verify_by=texts["verify_by"]
    )
