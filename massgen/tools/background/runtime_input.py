"""Text for a running agent (a person's words, results of its subagents) that waits for the next safe point."""

from __future__ import annotations

from collections.abc import Callable


def _nobody(_: str) -> None:
    return None


class RuntimeInput:
    """A queue of texts. Who takes one delivers it; `on_taken` is told, so that it stays in the agent's context
    for the rest of the turn (COORD-033)."""

    def __init__(self, on_taken: Callable[[str], None] = _nobody) -> None:
        self._texts: list[str] = []
        self._on_taken = on_taken
        self._on_put: Callable[[], None] = lambda: None

    def listen(self, on_put: Callable[[], None]) -> None:
        """Call `on_put` whenever a text is queued; one listener, the latest."""
        self._on_put = on_put

    def put(self, text: str) -> None:
        """Queue a text."""
        self._texts.append(text)
        self._on_put()

    def take(self) -> str | None:
        """All queued texts as one, or None."""
        if not self._texts:
            return None
        text = "\n\n".join(self._texts)
        self._texts.clear()
        self._on_taken(text)
        return text
