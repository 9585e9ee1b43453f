"""Which display opens: what the command line says, else what the file says (TUI-001, TUI-003)."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.interactive.teams import FINAL, write_team
from tests.interactive.terminal import Terminal


@pytest.mark.spec("TUI-001", "TUI-003", "CLI-028")
@pytest.mark.parametrize(
    ("written", "flag", "expected"),
    [
        ("simple", (), "simple"),
        ("simple", ("--display", "textual"), "textual"),
        ("simple", ("--display", "rich_terminal"), "rich_terminal"),
        ("textual", ("--display", "simple"), "simple"),
        ("textual", ("--no-display",), "simple"),
        ("rich_terminal", (), "rich_terminal"),
    ],
)
def test_the_command_line_overrides_the_display_of_the_file(
    tmp_path: Path, written: str, flag: tuple[str, ...], expected: str
):
    write_team(tmp_path, more={"ui": {"display_type": written}})
    with Terminal(tmp_path, *flag, "--config", "team.yaml", "Tabs or spaces?") as terminal:
        terminal.expect("FINAL ANSWER amber" if expected == "textual" else FINAL)
        if expected == "textual":
            terminal.send("\x11")
        elif expected == "rich_terminal":
            terminal.expect("Enter your choice:")
            terminal.line("q")
        assert terminal.wait() == 0
        assert (b"\x1b[?1049h" in terminal.raw) == (expected == "textual")
        assert ("┃ Status" in terminal.text) == (expected == "rich_terminal")
