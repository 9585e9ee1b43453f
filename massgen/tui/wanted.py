"""What waits for the person: questions and reviews, one on the screen at a time, in the order they came."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from msgspec import Struct, convert

from massgen.tui.symbols import one_line

if TYPE_CHECKING:
    from textual.screen import Screen

Message = Mapping[str, Any]


class Wanted(Struct, frozen=True, kw_only=True):
    """`screen(n)` is made when it opens, with the number of those behind it; `answer` turns what it gives into a
    reply. `headline` tells of it where it cannot open at once."""

    id: int
    headline: str
    screen: Callable[[int], Screen[Any]]
    answer: Callable[[Any], Message]


class Room(Protocol):
    """Where screens open. `is_free` is false while the person does something else."""

    def is_free(self) -> bool: ...

    def announce(self, headline: str) -> None: ...

    def reply(self, number: int, answer: Message) -> None: ...

    def push_screen(self, screen: Screen[Any], callback: Callable[[Any], None]) -> Any: ...


@dataclass(slots=True)
class WaitingRoom:
    """Nothing opens under the hands of somebody who types or reads: it is announced, and opens when that is done."""

    room: Room
    _waiting: list[Wanted] = field(default_factory=list)
    _shown: tuple[Wanted, Screen[Any]] | None = None
    _over: list[Screen[Any]] = field(default_factory=list)

    @property
    def waiting(self) -> int:
        """How many wait unseen."""
        return len(self._waiting)

    @property
    def is_watching(self) -> bool:
        """Whether `look` may find something to do."""
        return bool(self._waiting or self._over)

    def add(self, wanted: Wanted) -> None:
        """One more."""
        self._waiting.append(wanted)
        if not self.open_next():
            self.room.announce(wanted.headline)

    def close(self, number: int) -> None:
        """Nobody waits for this answer any more."""
        self._waiting = [wanted for wanted in self._waiting if wanted.id != number]
        if self._shown is not None and self._shown[0].id == number:
            self._over.append(self._shown[1])
            self._shown = None
        self.look()

    def look(self) -> None:
        """Take away what is over and open what waits, where that is possible now; call it now and then
        while the room `is_watching`."""
        for screen in [screen for screen in self._over if screen.is_current]:
            self._over.remove(screen)
            screen.dismiss(None)
        self.open_next()

    def open_next(self, *, now: bool = False) -> bool:
        """Open the next one where the room is free, or `now` whatever is there; whether it opened."""
        if self._shown is not None or not self._waiting or not (now or self.room.is_free()):
            return False
        wanted = self._waiting.pop(0)
        screen = wanted.screen(len(self._waiting))
        self._shown = (wanted, screen)

        def closed(result: Any) -> None:
            if self._shown is not None and self._shown[1] is screen:
                self._shown = None
                self.room.reply(wanted.id, wanted.answer(result))

        self.room.push_screen(screen, closed)
        return True


def wanted_from(message: Message) -> Wanted:
    """What the engine's message `question` or `review` asks for."""
    number = int(message.get("id") or 0)
    return _question(number, message) if message.get("say") == "question" else _review(number, message)


def _question(number: int, message: Message) -> Wanted:
    from massgen.engine.person import Choices
    from massgen.tui.questions import Question, QuestionScreen

    seconds, choices, text = message.get("seconds"), message.get("choices"), str(message.get("text") or "")
    typing = "" if choices else str(message.get("typing") or "")
    question = Question(
        asker=str(message.get("from") or "an agent"),
        text=f"{text}\n{typing}".rstrip(),
        choices=convert(choices, Choices) if choices else None,
        until=time.monotonic() + seconds if isinstance(seconds, int | float) else None,
        declines=message.get("declines") is True,
    )
    return Wanted(
        id=number,
        headline=f"{one_line(question.asker)} asks: {one_line(question.text)[:120]}",
        screen=lambda others: QuestionScreen(question, others),
        answer=lambda given: {"picked": list(given)} if isinstance(given, tuple) else {"text": given},
    )


def _review(number: int, message: Message) -> Wanted:
    from massgen.tui.screens import Change, ReviewScreen

    changes = [
        Change(
            str(item.get("path")),
            str(item.get("kind")),
            str(item.get("diff")),
            str(item.get("refused") or ""),
            bool(item.get("conflict")),
        )
        for item in message.get("changes") or []
        if isinstance(item, dict)
    ]
    return Wanted(
        id=number,
        headline=f"{len(changes)} changed file(s) wait for your decision",
        screen=lambda others: ReviewScreen(changes),
        answer=lambda accepted: {"accepted": accepted or []},
    )
