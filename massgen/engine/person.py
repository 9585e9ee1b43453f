"""What is put to a person in the middle of a turn, in words or as a choice (COORD-147)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from msgspec import Struct

MOST_LISTED = 100


class Choices(Struct, frozen=True, kw_only=True):
    """`options` are pairs of value and title; one of them is wanted, with `many` any number. `chosen` are picked
    from the start, and where it is `optional`, picking nothing leaves the answer out."""

    options: tuple[tuple[str, str], ...]
    many: bool = False
    chosen: tuple[str, ...] = ()
    optional: bool = False

    def numbered(self) -> str:
        """One line for each, for somebody who types the number or the name."""
        lines = [
            f"  {number}. {title}" + (f" ({value})" if title.casefold() != value.casefold() else "")
            for number, (value, title) in enumerate(self.options[:MOST_LISTED], 1)
        ]
        if len(self.options) > MOST_LISTED:
            lines.append(f"  ... and {len(self.options) - MOST_LISTED} more, which count as well")
        return "\n".join(lines)


class HumanQuestion(Struct, frozen=True, kw_only=True):
    """`typing` says what is wanted to somebody who types; one who picks from `choices` does without. No answer skips
    the question, or `declines` something: then an empty answer is an answer too."""

    asker: str
    text: str
    seconds: float
    choices: Choices | None = None
    typing: str = ""
    declines: bool = False

    def in_words(self) -> str:
        """All of it, for a door that shows text only."""
        listed = self.choices.numbered() if self.choices is not None else ""
        return "\n".join(part for part in (self.text, listed, self.typing) if part)


HumanAnswer = str | tuple[str, ...] | None
"""Words, the values that were picked, or None for no answer."""

AskHuman = Callable[[HumanQuestion], Awaitable[HumanAnswer]]
