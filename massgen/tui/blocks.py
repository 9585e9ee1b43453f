"""What stands in an agent's panel: streamed text, folded thoughts and tool calls, and how rounds began and ended."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from rich.text import Text
from textual.events import Click
from textual.widgets import Static

from massgen.tui.symbols import clean, one_line, printable, sign
from massgen.views.transcript import Piece, RoundView, ToolCallView

LIVE_TAIL = 6000
LONGEST_SHOWN = 20_000
Kind = Literal["head", "text", "reasoning", "tool", "note", "error", "end"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One block to show. `version` changes whenever what it shows changes."""

    kind: Kind
    version: tuple[object, ...]
    piece: Piece | None = None
    round: RoundView | None = None
    live: bool = False


def items(rounds: list[RoundView]) -> Iterator[Item]:
    """The blocks of an agent's rounds, oldest first."""
    for round in rounds:
        yield Item(kind="head", version=(round.number, round.kind), round=round)
        last = len(round.pieces) - 1
        for position, piece in enumerate(round.pieces):
            if piece.kind == "text" and round.kind == "presentation":
                continue  # it stands in the panel of the final answer
            live = position == last and not round.end
            size = len(piece.tool.result or "") if piece.tool is not None else len(piece.text)
            done = piece.tool is not None and piece.tool.result is not None
            yield Item(kind=piece.kind, version=(size, live, done), piece=piece, live=live)
        if round.end:
            yield Item(kind="end", version=(round.end, round.label), round=round)


class Block(Static):
    """One item. Folded kinds open and close with a click, or all together (`toggle`)."""

    def __init__(self, item: Item) -> None:
        super().__init__(markup=False, classes=f"block {item.kind}")
        self.item = item
        self.open = False
        self.draw()

    @property
    def folds(self) -> bool:
        return self.item.kind in ("reasoning", "tool")

    def show(self, item: Item) -> None:
        """Draw again where something changed."""
        if item.version != self.item.version or item.kind != self.item.kind:
            self.item = item
            self.draw()

    def toggle(self, open: bool | None = None) -> None:
        """Open, close, or turn over."""
        if self.folds:
            self.open = not self.open if open is None else open
            self.draw()

    def on_click(self, event: Click) -> None:
        if self.folds:
            event.stop()
            self.toggle()

    def draw(self) -> None:
        item = self.item
        if item.round is not None:
            self.update(clean(_head(item.round) if item.kind == "head" else _end(item.round)))
        elif item.piece is not None:
            self.update(clean(_content(item, item.piece, self.open)))


def _content(item: Item, piece: Piece, open: bool) -> Text:
    match item.kind:
        case "tool" if piece.tool is not None:
            return _tool(piece.tool, open)
        case "reasoning":
            return _reasoning(piece.text, item.live, open)
        case "error":
            return Text(sign(f"✗ {printable(piece.text)}"), style="bold red")
        case "note":
            return Text(sign(f"· {one_line(piece.text)[:400]}"), style="dim")
        case _:
            return Text(printable(_tail(piece.text, item.live)).strip("\n"))


def _tail(text: str, live: bool) -> str:
    """While text grows only its end is laid out; all of it stands in the log."""
    limit = LIVE_TAIL if live else LONGEST_SHOWN
    return text if len(text) <= limit else sign("…") + text[-limit:]


def _reasoning(text: str, live: bool, open: bool) -> Text:
    words = len(text.split())
    fold = "▾" if open or live else "▸"
    out = Text(sign(f"{fold} thinking · {words} words"), style="dim italic")
    if open or live:
        shown = printable(_tail(text, live)) if open else printable(text[-600:])
        out.append(f"\n{shown.strip()}", style="dim italic")
    return out


def _tool(call: ToolCallView, open: bool) -> Text:
    if call.result is None:
        state, style = "…", "yellow"
    elif call.is_error:
        state, style = f"✗ {call.milliseconds / 1000:.1f}s", "bold red"
    else:
        state, style = f"✓ {call.milliseconds / 1000:.1f}s", "green"
    out = Text(sign(f"{'▾' if open else '▸'} "), style="dim")
    out.append(one_line(call.name)[:60], style="bold")
    out.append(f" {one_line(call.arguments)[:60]} " if not open else " ", style="dim")
    out.append(sign(state), style=style)
    if open:
        out.append(f"\n{printable(_pretty(call.arguments))[:LONGEST_SHOWN]}", style="dim")
        if call.result is not None:
            out.append(f"\n{printable(call.result)[:LONGEST_SHOWN]}", style="red" if call.is_error else "")
    elif call.is_error:
        out.append(f"\n  {one_line(call.result or '')[:200]}", style="red")
    return out


def _pretty(arguments: str) -> str:
    try:
        return json.dumps(json.loads(arguments), ensure_ascii=False, indent=2)
    except (ValueError, RecursionError):
        return arguments


KINDS = {"presentation": "presentation", "vote_only": "vote", "evaluation": "evaluation"}


def _head(round: RoundView) -> Text:
    name = KINDS.get(round.kind, "first answer" if round.number <= 0 else f"round {round.number}")
    seen = f" · sees {', '.join(round.context)}" if round.context else ""
    return Text(sign(f"── {name}{seen} ──").replace("──", "──" if sign("▸") == "▸" else "--"), style="bold dim")


def _end(round: RoundView) -> Text:
    match round.end:
        case "answer":
            return Text(sign(f"✓ answer {round.label}"), style="bold green")
        case "vote":
            reason = f": {one_line(round.reason)[:200]}" if round.reason else ""
            return Text(sign(f"▲ votes for {round.label}{reason}"), style="bold cyan")
        case "restart":
            return Text(sign(f"→ looks again because of {one_line(round.label or round.reason)}"), style="yellow")
        case "final":
            return Text(sign("★ final answer"), style="bold green")
        case _:
            return Text(sign("✗ the round failed"), style="bold red")
