"""`--quickstart`: a team of three with few questions (CFG-083, CFG-084, CFG-086)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec.structs import replace

from massgen.cli.wizard.answers import (
    ask_commands,
    ask_context,
    ask_effort,
    ask_shape,
    review_and_save,
    say_missing_keys,
    sources_or_keys,
)
from massgen.cli.wizard.draft import Draft
from massgen.cli.wizard.places import ask_place, how_to_use, project_place
from massgen.cli.wizard.questions import HOW_TO_ANSWER, Questions, require_person
from massgen.cli.wizard.team import ask_team
from massgen.cli.wizard.writing import as_yaml
from massgen.errors import EXIT_CONFIG, EXIT_INTERRUPTED, EXIT_OK

WITHOUT_QUESTIONS = "Without questions: massgen --generate-config PATH --config-backend TYPE --config-model NAME"


def run_quickstart(flags: Mapping[str, Any]) -> int:
    """Exit code 0 where a configuration was saved."""
    path = project_place(flags["config"]) if flags["config"] else None
    require_person("--quickstart", flags, WITHOUT_QUESTIONS)
    ask = Questions()
    ask.say(HOW_TO_ANSWER)
    try:
        draft = Draft(agents=ask_team(ask, sources_or_keys(ask)), tools=frozenset({"web_search", "files"}))
        draft = ask_effort(ask, ask_shape(ask, draft))
        draft = replace(draft, commands=ask_commands(ask), context=ask_context(ask))
        path = path or ask_place(ask)
        saved = review_and_save(ask, as_yaml(draft, title="Made by massgen --quickstart."), path)
        if saved is None:
            return EXIT_CONFIG
        say_missing_keys(ask, draft.agents)
    except KeyboardInterrupt:
        ask.say("\nStopped; no configuration was written.")
        return EXIT_INTERRUPTED
    ask.say(f"Use it with: {how_to_use(saved)}")
    return EXIT_OK
