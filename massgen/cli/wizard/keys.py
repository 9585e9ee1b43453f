"""`--setup`: which providers have a key, and hidden questions for the others (CFG-080 step 1, CFG-082)."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import count
from pathlib import Path
from typing import Any

from msgspec import Struct

from massgen.cli.wizard.key_check import KeyCheck, check_key, check_model
from massgen.cli.wizard.key_file import store_key, usable_key
from massgen.cli.wizard.questions import HOW_TO_ANSWER, Questions, require_person
from massgen.config.backend_types import BACKEND_TYPES, BackendType
from massgen.config.environment import Environment, read_environment
from massgen.errors import EXIT_INTERRUPTED, EXIT_OK, StorageError
from massgen.paths import user_config_directory

NOT_ASKED = ("azure_openai", "chatcompletion")
"""Their keys go with an address, which belongs into a configuration."""


class KeyPlace(Struct, frozen=True, kw_only=True):
    """A provider and the variable that holds its key, or would; `found` says where it was read."""

    provider: BackendType
    variable: str
    found: str = ""


def run_setup(flags: Mapping[str, Any]) -> int:
    """Ask for keys until the person is done."""
    require_person("--setup", flags, "Set the variable instead, or put NAME=KEY into ~/.config/massgen/.env or ./.env.")
    ask = Questions()
    ask.say(HOW_TO_ANSWER)
    try:
        if ask_for_keys(ask):
            ask.say("Next: massgen --quickstart makes a team.")
    except KeyboardInterrupt:
        ask.say("\nStopped; keys that were saved stay.")
        return EXIT_INTERRUPTED
    return EXIT_OK


def key_places(environment: Environment) -> tuple[KeyPlace, ...]:
    """Every provider that works with a key alone, OpenRouter first."""
    providers = [
        entry
        for entry in BACKEND_TYPES.values()
        if entry.kind in ("api", "preset") and entry.needs_key and entry.name not in NOT_ASKED
    ]
    providers.sort(key=lambda entry: entry.name != "openrouter")
    return tuple(_place(entry, environment) for entry in providers)


def _place(provider: BackendType, environment: Environment) -> KeyPlace:
    for variable in provider.key_variables:
        if environment.process.get(variable, "").strip():
            return KeyPlace(provider=provider, variable=variable, found="environment")
        for path, values in environment.files:
            if values.get(variable, "").strip():
                return KeyPlace(provider=provider, variable=variable, found=shown(path))
    return KeyPlace(provider=provider, variable=provider.key_variables[0])


def ask_for_keys(ask: Questions) -> bool:
    """Offer all providers again and again; whether at least one key was saved. Each is saved at once, whole."""
    target = _target(ask)
    saved = False
    for turn in count():
        environment = read_environment()
        places = key_places(environment)
        ask.say("\nAPI keys:")
        options = [f"{place.provider.label:<16}{_state(place)}" for place in places]
        default = len(places) if turn or any(place.found for place in places) else 0
        chosen = ask.choose("For which provider", [*options, "Done"], default=default)
        if chosen == len(places):
            return saved
        saved = _ask_one(ask, places[chosen], target, environment) or saved
    return saved


def _state(place: KeyPlace) -> str:
    if place.found:
        return f"set ({place.variable}, {place.found})"
    return "one key for models of all providers" if place.provider.name == "openrouter" else ""


def _target(ask: Questions) -> Path:
    user = user_config_directory()
    here = Path.cwd() / ".env"
    if user is None:
        return here
    ask.say("Keys are saved in a file that only you can read.")
    places = (user / ".env", here)
    labels = (
        f"{shown(places[0])}  for all your projects",
        "./.env  for this directory; keep it out of git",
    )
    return places[ask.choose("Where", labels)]


def _ask_one(ask: Questions, place: KeyPlace, target: Path, environment: Environment) -> bool:
    key = ask.secret(f"Paste {place.variable}, Enter for none")
    if not key:
        return False
    if not usable_key(key):
        ask.say("That is no key: a key is one word of at least eight characters, without quotes. Nothing was saved.")
        return False
    if not _tried(ask, place, key, environment):
        ask.say("Nothing was saved.")
        return False
    try:
        store_key(target, place.variable, key)
    except StorageError as error:
        ask.say(str(error))
        ask.say("Nothing was saved.")
        return False
    ask.say(f"Saved: {place.variable} in {shown(target)}")
    if place.found and place.found != shown(target):
        ask.say(f"Note: {place.variable} is also set in {place.found}; of several, the first of these counts:")
        ask.say("  environment, ./.env, ~/.config/massgen/.env")
    return True


def _tried(ask: Questions, place: KeyPlace, key: str, environment: Environment) -> bool:
    """Whether to save: a test only if wanted, and after a bad one only if wanted in spite of it."""
    name, model = place.provider.name, check_model(place.provider.name)
    question = (
        f"Try it with one small request to {_receiver(place, environment)} ({model})? It costs a fraction of a cent."
    )
    if model is None or not ask.yes(question, default=False):
        return True
    result: KeyCheck = check_key(name, key, environment)
    match result.verdict:
        case "accepted":
            ask.say(f"{place.provider.label} accepted the key.")
            return True
        case "refused":
            ask.say(result.reason)
            return ask.yes("Save it in spite of this?", default=False)
        case "unknown":
            ask.say(f"The test says nothing about the key: {result.reason}")
            return ask.yes("Save it untested?", default=True)


def _receiver(place: KeyPlace, environment: Environment) -> str:
    """Who gets the key in a test; an address that some variable redirects it to is named."""
    variable = place.provider.base_url_variable
    address = environment.get(variable) if variable else None
    return f"{place.provider.label} at {address}" if address else place.provider.label


def shown(path: Path) -> str:
    """A path as people write it: from the user directory, else from here, else whole."""
    user, here = user_config_directory(), Path.cwd()
    if user is not None and path.is_relative_to(user):
        return f"~/{path.relative_to(user.parent.parent)}"
    return f"./{path.relative_to(here)}" if path.is_relative_to(here) else str(path)
