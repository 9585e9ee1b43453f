"""The input line: Enter sends, Ctrl+J breaks the line, arrows go through the history, Tab completes."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.events import Key
from textual.message import Message
from textual.timer import Timer
from textual.widgets import TextArea

Completer = Callable[[str], list[str]]
BLINKING_SECONDS = 10.0


class Prompt(TextArea):
    """Posts `Sent` with the text. `complete` gives the possible words for the one before the cursor, which stands still
    once nothing was typed for a while."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+j", "newline", "New line", show=False),
        Binding("ctrl+underscore", "undo", "Undo", show=False),
    ]

    class Sent(Message):
        """The person pressed Enter."""

        def __init__(self, text: str) -> None:
            super().__init__()
            self.text = text

    def __init__(self, complete: Completer, id: str = "prompt") -> None:
        super().__init__(id=id, compact=True, soft_wrap=True, tab_behavior="focus")
        self._complete = complete
        self._history: list[str] = []
        self._position = 0
        self._typing: Timer | None = None

    def on_focus(self) -> None:
        if self._typing is None:
            self._typing = self.set_interval(BLINKING_SECONDS, self._stand_still)
        self._typing.reset()

    def _stand_still(self) -> None:
        self.cursor_blink = False
        if self._typing is not None:
            self._typing.pause()

    def _blink_again(self) -> None:
        self.cursor_blink = True
        if self._typing is not None:
            self._typing.reset()

    def remember(self, texts: list[str]) -> None:
        """Earlier questions, oldest first."""
        self._history = texts
        self._position = len(texts)

    async def _on_key(self, event: Key) -> None:
        self._blink_again()
        if event.key == "enter":
            event.prevent_default()
            event.stop()
            self._send()
        elif event.key == "tab" and self._word().startswith(("/", "@")):
            event.prevent_default()
            event.stop()
            self._fill_in()
        elif event.key == "up" and self.cursor_location[0] == 0 and self._history:
            event.prevent_default()
            event.stop()
            self._recall(-1)
        elif event.key == "down" and self.cursor_location[0] == self.document.line_count - 1:
            event.prevent_default()
            event.stop()
            self._recall(1)
        else:
            await super()._on_key(event)

    def action_newline(self) -> None:
        self.insert("\n")

    def _send(self) -> None:
        text = self.text
        if text.strip():
            self._history.append(text)
            self._position = len(self._history)
            self.clear()
            self.post_message(self.Sent(text))

    def _word(self) -> str:
        row, column = self.cursor_location
        before = self.document.get_line(row)[:column]
        return before.rsplit(None, 1)[-1] if before and not before[-1].isspace() else ""

    def _fill_in(self) -> None:
        """Insert what all completions have in common; show the choices where there are several."""
        word = self._word()
        found = self._complete(word)
        if not found:
            return
        common = found[0]
        for other in found[1:]:
            while not other.startswith(common):
                common = common[:-1]
        if len(common) > len(word):
            self.insert(common[len(word) :])
        if len(found) > 1:
            self.app.notify("  ".join(found[:30]), markup=False, timeout=4)

    def _recall(self, step: int) -> None:
        self._position = min(max(0, self._position + step), len(self._history))
        text = self._history[self._position] if self._position < len(self._history) else ""
        self.text = text
        self.move_cursor(self.document.end)
