"""The slash commands of the input line (SESS-020 to SESS-027)."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

Run = Callable[[str], None]


class Command(NamedTuple):
    """`names`, the first of which is the one that help and completion show; `run` gets the rest of the line."""

    names: tuple[str, ...]
    arguments: str
    does: str
    run: Run


class Commands:
    """A table of commands."""

    def __init__(self, *commands: Command) -> None:
        self._commands = commands
        self._by_name = {name: command for command in commands for name in command.names}

    def run(self, line: str) -> bool:
        """Carry out the line; False where there is no such command."""
        name, _, rest = line.partition(" ")
        command = self._by_name.get(name.lower())
        if command is not None:
            command.run(rest.strip())
        return command is not None

    def starting_with(self, word: str) -> list[str]:
        """Completions."""
        return [name for name in self._by_name if name.startswith(word) and len(name) > 2]

    def help(self) -> str:
        """One line each."""
        lines = [(f"{command.names[0]} {command.arguments}".strip(), command.does) for command in self._commands]
        return "\n".join(f"  {usage:<24} {does}" for usage, does in lines)
