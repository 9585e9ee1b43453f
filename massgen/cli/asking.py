"""From flags to a run: the question, the configuration, the way it is shown."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from msgspec import Struct

from massgen.cli.console import tell
from massgen.cli.display import DisplayKind
from massgen.config import LoadedConfig, load_config, quick_config
from massgen.config.discovery import ConfigNotFound
from massgen.errors import EXIT_CONFIG, ConfigError
from massgen.runs.request import Criterion, RunRequest
from massgen.workspace.context_paths import RequestedPath, launch_directory_request


class Asked(Struct, frozen=True, kw_only=True):
    """What the flags come to: a request whose question may be empty, and where the answer goes as well."""

    request: RunRequest
    output: Path | None


def ask(question: str, flags: Mapping[str, Any], kind: DisplayKind) -> int:
    """Ask the team; the exit code is that of AUTO-030 to AUTO-035."""
    asked = prepare(question, flags)
    return EXIT_CONFIG if asked is None else _show(asked, flags, kind)


def prepare(question: str, flags: Mapping[str, Any]) -> Asked | None:
    """Load and check everything that the flags name; None where the ways to a configuration were explained."""
    single = flags["single_agent"]
    session = flags["session_id"]
    if flags["resume"]:
        from massgen.cli.sessions import announce_resumed, newest_session

        found = newest_session(Path.cwd())
        announce_resumed(found)
        session = found.session_id
    loaded = _load(flags, session)
    if loaded is None:
        return None
    config = loaded.config
    if single and not question and config is not None and single not in {agent.id for agent in config.agents}:
        question, single = single, ""
    question = question or _task_of(loaded)
    _say_notices(loaded, flags)
    _check_personas(loaded, flags)
    question, named = references(question)
    request = RunRequest(
        loaded=loaded,
        question=question,
        launch=Path.cwd(),
        plain=bool(flags["model"] or flags["backend"]),
        quick=flags["quick"],
        automation=flags["automation"],
        logs=not flags["no_logs"],
        debug=flags["debug"],
        status_file=_status_file(flags),
        single_agent=single,
        session_id=session,
        context_paths=(*_launch_context(flags), *named),
        criteria=_criteria(flags),
        cli_args={name: value for name, value in flags.items() if value not in (None, False, ())},
    )
    return Asked(request=request, output=Path(flags["output_file"]).absolute() if flags["output_file"] else None)


def _show(asked: Asked, flags: Mapping[str, Any], kind: str) -> int:
    if not asked.request.question.strip():
        return _converse(asked, flags, kind)
    if flags["automation"]:
        from massgen.cli.automation import run_automation

        return run_automation(asked.request, asked.output)
    from massgen.cli.plain import run_plain

    return run_plain(asked.request, asked.output, kind)


def _converse(asked: Asked, flags: Mapping[str, Any], kind: str) -> int:
    """No question was given: a conversation, where there is a person."""
    if flags["automation"] or not sys.stdin.isatty():
        raise ConfigError("No question was given.", hint='Add one: massgen --automation --config FILE "your question"')
    from massgen.cli.interactive import run_interactive

    return run_interactive(asked.request, kind)


def _check_personas(loaded: LoadedConfig, flags: Mapping[str, Any]) -> None:
    """Personas are for answers to the same question (COORD-141)."""
    config = loaded.config
    decomposition = config is not None and config.orchestrator.coordination_mode == "decomposition"
    if decomposition and flags["personas"] not in (None, "off"):
        raise ConfigError(
            "--personas cannot be used in decomposition mode.",
            hint="Leave it out, or use --coordination-mode parallel.",
        )


def _status_file(flags: Mapping[str, Any]) -> Path | None:
    """Where `--status-file` writes; its directories are made (AUTO-014)."""
    if not flags["status_file"]:
        return None
    from massgen.cli.session import check_output

    path = Path(flags["status_file"]).absolute()
    check_output(path, "--status-file")
    return path


def _criteria(flags: Mapping[str, Any]) -> tuple[Criterion, ...]:
    """The criteria of the flags, none without them (COORD-078, COORD-079)."""
    file, preset = flags["eval_criteria"], flags["checklist_criteria_preset"]
    if not (file or preset):
        return ()
    from massgen.runs.criteria import chosen_criteria

    return chosen_criteria(Path(file) if file else None, preset)


def _launch_context(flags: Mapping[str, Any]) -> tuple[RequestedPath, ...]:
    """`--cwd-context` grants the launch directory (WS-057)."""
    mode = flags["cwd_context"]
    return (launch_directory_request(mode, Path.cwd()),) if mode else ()


def references(question: str) -> tuple[str, tuple[RequestedPath, ...]]:
    """`@path` references of the question become context paths (WS-070 to WS-074)."""
    if "@" not in question:
        return question, ()
    from massgen.workspace.references import parse_prompt_for_context

    found = parse_prompt_for_context(question)
    for line in found.suggestions:
        tell(line)
    return found.cleaned_prompt or question, found.requested


def _load(flags: Mapping[str, Any], session: str | None) -> LoadedConfig | None:
    overrides = _overrides(flags)
    if session and not (flags["config"] or flags["model"] or flags["backend"]):
        from massgen.cli.sessions import recorded_config

        recorded = recorded_config(session)
        if recorded is not None:
            return load_config(recorded, overrides=overrides)
    if flags["model"] or flags["backend"]:
        return quick_config(
            backend=flags["backend"],
            model=flags["model"],
            base_url=flags["base_url"],
            system_message=flags["system_message"],
            overrides=overrides,
        )
    try:
        loaded = load_config(flags["config"], overrides=overrides)
        return loaded.unchecked() if flags["skip_validation"] else loaded
    except ConfigNotFound as error:
        if error.value is not None or flags["automation"] or not sys.stdin.isatty():
            raise
        from massgen.cli.welcome import show_ways_on

        chosen = show_ways_on()
        return load_config(chosen, overrides=overrides) if chosen else None


def _overrides(flags: Mapping[str, Any]) -> dict[str, Any]:
    """Flags that beat the file (CFG-010)."""
    found: dict[str, Any] = {}
    if flags["orchestrator_timeout"]:
        found["timeout_settings.orchestrator_timeout_seconds"] = flags["orchestrator_timeout"]
    if flags["coordination_mode"]:
        mode = "voting" if flags["coordination_mode"] == "parallel" else "decomposition"
        found["orchestrator.coordination_mode"] = mode
    if flags["broadcast"]:
        found["orchestrator.coordination.broadcast"] = False if flags["broadcast"] == "false" else flags["broadcast"]
    if flags["personas"]:
        found["orchestrator.coordination.persona_generator.enabled"] = flags["personas"] != "off"
        if flags["personas"] != "off":
            found["orchestrator.coordination.persona_generator.diversity_mode"] = flags["personas"]
    return found


def _task_of(loaded: LoadedConfig) -> str:
    """The configuration's own question (`task:`), empty without one."""
    task = loaded.values.get("task")
    return task.strip() if isinstance(task, str) else ""


def _say_notices(loaded: LoadedConfig, flags: Mapping[str, Any]) -> None:
    if flags["skip_validation"]:
        loaded.require()
        return
    from massgen.config.running import ready_config

    for notice in ready_config(loaded, strict=flags["strict_validation"]).notices:
        tell(notice)
