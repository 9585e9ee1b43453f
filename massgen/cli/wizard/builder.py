"""`--init`: a configuration from a template, step by step (CFG-080 step 2, CFG-081)."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from massgen.cli.wizard.answers import (
    ask_commands,
    ask_context,
    ask_effort,
    review_and_save,
    say_missing_keys,
    sources_or_keys,
)
from massgen.cli.wizard.draft import Draft, Tool
from massgen.cli.wizard.places import how_to_use, named_place, user_directory
from massgen.cli.wizard.questions import HOW_TO_ANSWER, Questions, require_person
from massgen.cli.wizard.quickstart import WITHOUT_QUESTIONS
from massgen.cli.wizard.team import ask_team
from massgen.cli.wizard.writing import as_yaml
from massgen.config.discovery import DEFAULT_NAME
from massgen.errors import EXIT_CONFIG, EXIT_INTERRUPTED, EXIT_OK


class Template(Struct, frozen=True, kw_only=True):
    """A use case and the tools that go with it."""

    name: str
    about: str
    tools: frozenset[Tool]


TEMPLATES = (
    Template(name="Simple Q&A", about="answers from what the models know", tools=frozenset()),
    Template(name="Research", about="searches the web", tools=frozenset({"web_search"})),
    Template(name="Code & Files", about="writes files and runs commands", tools=frozenset({"files", "commands"})),
    Template(name="Data analysis", about="computes in sandboxes", tools=frozenset({"code_execution", "files"})),
    Template(
        name="Everything",
        about="all of these",
        tools=frozenset({"web_search", "code_execution", "files", "commands"}),
    ),
)
TOOL_QUESTIONS: tuple[tuple[Tool, str], ...] = (
    ("web_search", "Web search of the provider?"),
    ("code_execution", "Code execution at the provider?"),
    ("files", "Files in a workspace of their own?"),
    ("commands", "Commands?"),
)


def run_init(flags: Mapping[str, Any]) -> int:
    """Exit code 0 where a configuration was saved."""
    path = named_place(flags["config"]) if flags["config"] else None
    require_person("--init", flags, WITHOUT_QUESTIONS)
    ask = Questions()
    ask.say(HOW_TO_ANSWER)
    try:
        path = build(ask, path)
    except KeyboardInterrupt:
        ask.say("\nStopped; no configuration was written.")
        return EXIT_INTERRUPTED
    if path is None:
        return EXIT_CONFIG
    ask.say(f"Use it with: {how_to_use(path)}")
    return EXIT_OK


def build(ask: Questions, path: Path | None, *, offer_keys: bool = True) -> Path | None:
    """The four steps; the saved file, or None. Without a `path` a name is asked for."""
    ask.say("Step 1 of 4: what the team is for")
    template = TEMPLATES[ask.choose("Number", [f"{one.name}: {one.about}" for one in TEMPLATES])]
    ask.say("\nStep 2 of 4: agents")
    draft = Draft(agents=ask_team(ask, sources_or_keys(ask, offer=offer_keys)))
    draft = ask_effort(ask, draft)
    ask.say("\nStep 3 of 4: tools")
    tools: frozenset[Tool] = frozenset(
        name for name, question in TOOL_QUESTIONS if ask.yes(question, default=name in template.tools)
    )
    draft = replace(
        draft,
        tools=tools,
        commands=ask_commands(ask) if "commands" in tools else "none",
        context=ask_context(ask) if "files" in tools else None,
    )
    ask.say("\nStep 4 of 4: review and save")
    path = path or _ask_name(ask)
    text = as_yaml(draft, title=f"Made by massgen --init: {template.name}.")
    saved = review_and_save(ask, text, path)
    if saved is not None:
        say_missing_keys(ask, draft.agents)
    return saved


def _ask_name(ask: Questions) -> Path:
    from massgen.errors import ConfigError

    while True:
        given = ask.text("Name for it (Enter: your default configuration)")
        try:
            return named_place(given) if given else user_directory() / DEFAULT_NAME
        except ConfigError as error:
            ask.say(str(error))
