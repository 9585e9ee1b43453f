"""The mode bar's side of a session: which way of working is set, and how a toggle changes the next turn (TUI-006)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from massgen.cli.asking import prepare
from massgen.errors import ConfigError
from massgen.runs.request import RunRequest

ALL, ON, OFF = "all", "on", "off"
PARALLEL, DECOMPOSITION = "parallel", "decomposition"


def modes_of(request: RunRequest) -> dict[str, str]:
    """What a turn of this request would do, by the names of the mode bar."""
    config = request.loaded.require()
    coordination = config.orchestrator.coordination
    personas = coordination.persona_generator
    single = request.single_agent
    return {
        "agents": ALL if single is None else single or config.agents[0].id,
        "coordination": DECOMPOSITION if config.orchestrator.coordination_mode == DECOMPOSITION else PARALLEL,
        "refine": OFF if request.quick else ON,
        "personas": personas.diversity_mode if personas.enabled else OFF,
        "broadcast": coordination.broadcast or OFF,
    }


def with_mode(flags: Mapping[str, Any], name: str, value: str, now: Mapping[str, str]) -> dict[str, Any]:
    """The flags of the command line as if the mode had been asked for there. Raises `ConfigError` for an unknown one.

    Personas are for answers to the same question, so another shape of work ends them (COORD-141).
    """
    match name:
        case "agents":
            return {**flags, "single_agent": None if value == ALL else value}
        case "coordination":
            found = {**flags, "coordination_mode": value}
            return {**found, "personas": OFF} if value == DECOMPOSITION and now["personas"] != OFF else found
        case "refine":
            return {**flags, "quick": value == OFF}
        case "personas":
            return {**flags, "personas": value}
        case "broadcast":
            return {**flags, "broadcast": "false" if value == OFF else value}
        case _:
            raise ConfigError(f"There is no mode {name!r}.")


def prepared_again(flags: Mapping[str, Any]) -> RunRequest:
    """The request of these flags; raises `ConfigError` where they do not go together."""
    asked = prepare("", {**flags, "resume": False})
    if asked is None:
        raise ConfigError("No configuration was found.")
    asked.request.loaded.require()
    return asked.request
