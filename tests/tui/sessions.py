"""The application of a session with the real engine in its own process."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from textual.pilot import Pilot

from massgen.cli.ask import ask_command
from massgen.cli.screen import shared_directory
from massgen.tui.prompt import Prompt
from massgen.tui.session import SessionApp, Start
from tests.tui.scene import until

SLOW = 300.0


def application(directory: Path, question: str = "", **flags: Any) -> SessionApp:
    """The application as the command line makes it, over `team.yaml` in `directory`."""
    context = ask_command.make_context("massgen", ["--config", str(directory / "team.yaml")])
    values = {**context.params, **flags}
    values.pop("question")
    command = (sys.executable, "-m", "massgen.cli.engine")
    shared = shared_directory(values)
    return SessionApp(Start(command=command, question=question, flags=values, launch=directory, context=shared))


async def say(app: SessionApp, pilot: Pilot[Any], text: str) -> None:
    """Type a line into the input."""
    prompt = app.query_one(Prompt)
    prompt.focus()
    prompt.text = text
    await pilot.press("enter")


async def leave(app: SessionApp, pilot: Pilot[Any]) -> None:
    await pilot.press("ctrl+q")
    await until(pilot, lambda: app.return_code is not None or not app.is_running)
