"""The offer to add the launch directory in an interactive start without context paths (WS-059, WS-060)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from massgen.workspace.context_paths import Permission

Answer = Literal["yes", "protected", "no", "custom"]
_ANSWERS: dict[str, Answer] = {
    "": "yes",
    "y": "yes",
    "yes": "yes",
    "p": "protected",
    "protected": "protected",
    "n": "no",
    "no": "no",
    "c": "custom",
    "custom": "custom",
}
PROTECTED_QUESTION = "Enter protected paths (relative to context path), one per line. Empty line to finish:"


def offer_text(launch_directory: Path) -> str:
    """The question."""
    return (
        "📂 Context Paths:\n"
        "   No context paths configured\n"
        "❓ Add current directory as context path?\n"
        f"   {launch_directory}\n"
        "   [Y]es (default) / [P]rotected / [N]o / [C]ustom path: "
    )


def offer_answer(text: str) -> Answer | None:
    """What a person answered; an empty line means yes, None means that it was not understood."""
    return _ANSWERS.get(text.strip().lower())


def added_text(path: Path, permission: Permission, protected: Sequence[str] = ()) -> str:
    """The confirmation, one line for each protected path."""
    return "\n".join([f"✓ Added {path} ({permission})", *(f"  🔒 {entry}" for entry in protected)])
