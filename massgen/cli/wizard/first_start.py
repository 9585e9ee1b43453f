"""The first start without any configuration: keys, a configuration, then on (CFG-001, CFG-080)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from massgen.backends.options import Options
from massgen.cli.wizard.answers import say_missing_keys
from massgen.cli.wizard.builder import build
from massgen.cli.wizard.draft import AgentDraft
from massgen.cli.wizard.keys import ask_for_keys, key_places, shown
from massgen.cli.wizard.picker import example_groups, pick
from massgen.cli.wizard.places import user_directory
from massgen.cli.wizard.questions import Questions, is_person
from massgen.cli.wizard.writing import save
from massgen.config import load_config
from massgen.config.backend_types import canonical_type
from massgen.config.discovery import DEFAULT_NAME, find_config
from massgen.config.environment import read_environment

DEMO = "@examples/demo/team"


def offer_setup() -> Path | None:
    """Ask whether to set up now; the configuration to go on with, None where there is none (yet). Raises
    `KeyboardInterrupt` where the person stops."""
    if not is_person():
        return None
    ask = Questions()
    try:
        if not ask.yes("Set one up now, by questions?", default=False):
            return _demo(ask)
        return _choose(ask)
    except KeyboardInterrupt:
        ask.say("\nStopped; no configuration was written.")
        raise


def _demo(ask: Questions) -> Path | None:
    """The simulated team, for somebody who only wants to look."""
    return find_config(DEMO) if ask.yes("Watch a simulated team first? (no key, no network)", default=False) else None


def _agents_of(path: Path) -> Iterator[AgentDraft]:
    """What the agents of a file run on."""
    for agent in load_config(path).require().agents:
        options = Options(agent.backend)
        kind = canonical_type(agent.backend.type)
        if kind is not None:
            yield AgentDraft(
                id=agent.id,
                type=kind,
                model=agent.backend.model,
                base_url=options.text("base_url"),
                keyless=bool(options.text("api_key")),
            )


def _choose(ask: Questions) -> Path | None:
    ask.say("\nStep 1: API keys")
    if any(place.found for place in key_places(read_environment())):
        ask.say("There is one already.")
    elif ask.yes("Enter an API key now? (local servers need none)", default=True):
        ask_for_keys(ask)
    ask.say("\nStep 2: a configuration")
    if ask.choose("Number", ("build one from a template", "browse the packaged examples")) == 0:
        return build(ask, user_directory() / DEFAULT_NAME, offer_keys=False)
    chosen = find_config(pick(ask, tuple(example_groups())))
    say_missing_keys(ask, _agents_of(chosen))
    if ask.yes("Save as default?", default=False):
        place = user_directory() / DEFAULT_NAME
        save(chosen.read_text(encoding="utf-8"), place, replace=False)
        ask.say(f"Saved: {shown(place)}")
        return place
    return chosen
