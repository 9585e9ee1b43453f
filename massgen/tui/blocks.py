"""What stands in an agent's panel: streamed text, folded thoughts and tool calls, and how rounds began and ended."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Literal, NamedTuple

from rich.console import Console
from rich.segment import Segment
from rich.style import Style
from rich.text import Text
from textual.strip import Strip

from massgen.tui.flow import Flow
from massgen.tui.symbols import clean, one_line, printable, sign, tool_name
from massgen.views.transcript import Piece, RoundView, ToolCallView

LONGEST_SHOWN = 20_000
LIVE_THOUGHTS = 6
THOUGHTS = Style(dim=True, italic=True)
Kind = Literal["head", "text", "reasoning", "tool", "note", "error", "end"]


class Item(NamedTuple):
    """One block to show; `live` while more of it may come."""

    kind: Kind
    source: Piece | RoundView
    live: bool


def items(rounds: Sequence[RoundView], most: int) -> list[Item]:
    """The newest blocks of an agent's rounds, oldest first."""
    found: list[Item] = []
    for round in reversed(rounds):
        if round.end:
            found.append(Item("end", round, False))
        last = len(round.pieces) - 1
        for position in range(last, max(-1, last - most), -1):
            piece = round.pieces[position]
            if piece.kind == "text" and round.kind == "presentation":
                continue  # it stands in the panel of the final answer
            found.append(Item(piece.kind, piece, position == last and not round.end))
        found.append(Item("head", round, False))
        if len(found) >= most:
            break
    return found[most - 1 :: -1] if len(found) > most else found[::-1]


class Block:
    """One item as strips of the panel's width. Folded kinds open and close."""

    def __init__(self, item: Item, open: bool) -> None:
        self.item = item
        self.open = open and item.kind in ("reasoning", "tool")
        self.strips: list[Strip] = []
        self._version: tuple[object, ...] = ()
        self._flow: Flow | None = None
        self._seen = 0
        self._words = 0

    @property
    def folds(self) -> bool:
        return self.item.kind in ("reasoning", "tool")

    def shows(self, item: Item) -> bool:
        return self.item.source is item.source and self.item.kind == item.kind

    def draw(self, live: bool, width: int, console: Console) -> bool:
        """Bring the strips up to date; whether anything changed."""
        source = self.item.source
        version = (width, self.open, live, *_state(source))
        if version == self._version:
            return False
        self._version = version
        if isinstance(source, RoundView):
            self._static(_head(source) if self.item.kind == "head" else _end(source), width, console)
        elif self.item.kind in ("text", "reasoning"):
            self._stream(source, live, width, console)
        else:
            self._static(_content(self.item.kind, source, self.open), width, console)
        return True

    def _static(self, text: Text, width: int, console: Console) -> None:
        self.strips = strips(text, width, console)

    def _stream(self, piece: Piece, live: bool, width: int, console: Console) -> None:
        """Text that grows: only what came since the last time is laid out."""
        flow = self._flow
        if flow is None or flow.width != width:
            flow = self._flow = Flow(width)
            self._seen = max(0, piece.length - LONGEST_SHOWN)
            self._words = len(piece.text.split()) if self.folds else 0
            self.strips = []
            fresh = piece.text[-LONGEST_SHOWN:].lstrip("\n")
        else:
            fresh = piece.text[-(piece.length - self._seen) :] if piece.length > self._seen else ""
            self._words += len(fresh.split()) - (fresh[:1].strip() != "" and flow.lines[-1][-1:].strip() != "")
        self._seen = piece.length
        kept = flow.add(printable(fresh))
        if self.folds:
            self.strips = self._thoughts(flow, live, width, console)
            return
        del self.strips[kept:]
        self.strips += [Strip([Segment(line)]) for line in flow.lines[len(self.strips) :]]
        while not live and len(self.strips) > 1 and not self.strips[-1].text.strip():
            self.strips.pop()

    def _thoughts(self, flow: Flow, live: bool, width: int, console: Console) -> list[Strip]:
        fold = "▾" if self.open or live else "▸"
        words = f"{self._words} word{'s' if self._words != 1 else ''}"
        head = Text(sign(f"{fold} thinking · {words}"), style="dim italic")
        shown = flow.lines if self.open else flow.lines[-LIVE_THOUGHTS:] if live else []
        return [*strips(head, width, console), *(Strip([Segment(line, THOUGHTS)]) for line in shown)]


def strips(text: Text, width: int, console: Console) -> list[Strip]:
    """Laid out, without control characters."""
    lines = clean(text).wrap(console, width, tab_size=4)
    for line in lines:
        line.end = ""
    base = console.get_style(text.style)  # `render` leaves it out where a line has no other
    return [Strip(line.render(console)).apply_style(base) for line in lines]


def _state(source: Piece | RoundView) -> tuple[object, ...]:
    """What changes whenever the block has to be drawn again."""
    if isinstance(source, RoundView):
        return source.kind, source.end, source.label
    return source.length, source.tool is not None and source.tool.result is not None


def _content(kind: Kind, piece: Piece, open: bool) -> Text:
    if piece.tool is not None:
        return _tool(piece.tool, open)
    if kind == "error":
        return Text(sign(f"✗ {printable(piece.text)}"), style="bold red")
    return Text(sign(f"· {one_line(piece.text)[:400]}"), style="dim")


def _tool(call: ToolCallView, open: bool) -> Text:
    if call.result is None:
        state, style = "…", "yellow"
    elif call.is_error:
        state, style = f"✗ {call.milliseconds / 1000:.1f}s", "bold red"
    else:
        state, style = f"✓ {call.milliseconds / 1000:.1f}s", "green"
    out = Text()
    out.append(sign(f"{'▾' if open else '▸'} "), style="dim")
    out.append(tool_name(call.name)[:60], style="bold")
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


MOST_LABELS = 3
KINDS = {"presentation": "presentation", "vote_only": "vote", "evaluation": "evaluation"}


def _head(round: RoundView) -> Text:
    name = KINDS.get(round.kind, "first answer" if round.number <= 0 else f"round {round.number}")
    labels = round.context
    shown = ", ".join(labels) if len(labels) <= MOST_LABELS else f"{len(labels)} answers"
    seen = f" · sees {shown}" if labels else ""
    return Text(sign(f"── {name}{seen} ──"), style="bold dim")


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
        case "skipped":
            return Text(sign("⊘ out for this turn"), style="yellow")
        case _:
            return Text(sign("✗ the round failed"), style="bold red")
