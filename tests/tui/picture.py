"""A screen as a small SVG that says the same on every machine: cells, colours, nothing else."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

from rich.style import Style
from textual.app import App

WIDE, HIGH = 8.4, 17
FOLDER = Path(__file__).parent / "screens"
RENEW = os.environ.get("MASSGEN_RENEW_SCREENS") == "1"
INK, PAPER = "#e0e0e0", "#121212"


def picture(app: App[Any]) -> str:
    """What the application shows now."""
    strips = app.screen._compositor.render_strips()
    columns = max(strip.cell_length for strip in strips)
    out = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {columns * WIDE:g} {len(strips) * HIGH}"'
        f' font-family="monospace" font-size="14" fill="{INK}">',
        f'<rect width="100%" height="100%" fill="{PAPER}"/>',
    ]
    for row, strip in enumerate(strips):
        out += _line(row, [(s.text, s.style or Style.null(), s.cell_length) for s in strip if s.text])
    return "\n".join([*out, "</svg>"]) + "\n"


def _line(row: int, parts: list[tuple[str, Style, int]]) -> list[str]:
    """Backgrounds first, then the words of the line, each run at its column."""
    below: list[str] = []
    words: list[str] = []
    column = 0
    for text, style, cells in _joined(parts):
        ink, paper = _colours(style)
        x, y = f"{column * WIDE:g}", row * HIGH
        if paper != PAPER:
            below.append(f'<rect x="{x}" y="{y}" width="{cells * WIDE:g}" height="{HIGH}" fill="{paper}"/>')
        if text.strip():
            words.append(f'<tspan x="{x}"{_looks(style, ink)}>{_words(text)}</tspan>')
        column += cells
    return below + ([f'<text y="{row * HIGH + 13}">{"".join(words)}</text>'] if words else [])


def _words(text: str) -> str:
    """Browsers make one blank of several."""
    return escape(text.rstrip()).replace("  ", "\u00a0 ")


def _joined(parts: list[tuple[str, Style, int]]) -> list[tuple[str, Style, int]]:
    """Neighbours that look the same are one run; meta data of a style is no look."""
    found: list[tuple[str, Style, int]] = []
    for text, style, cells in parts:
        if found and _key(found[-1][1]) == _key(style):
            found[-1] = (found[-1][0] + text, style, found[-1][2] + cells)
        else:
            found.append((text, style, cells))
    return found


def _key(style: Style) -> tuple[object, ...]:
    return (*_colours(style), bool(style.bold), bool(style.italic), bool(style.underline))


def _colours(style: Style) -> tuple[str, str]:
    ink = style.color.get_truecolor().hex if style.color is not None else INK
    paper = style.bgcolor.get_truecolor(foreground=False).hex if style.bgcolor is not None else PAPER
    return (paper, ink) if style.reverse else (ink, paper)


def _looks(style: Style, ink: str) -> str:
    looks = f' fill="{ink}"' if ink != INK else ""
    looks += ' font-weight="bold"' if style.bold else ""
    looks += ' font-style="italic"' if style.italic else ""
    return looks + (' text-decoration="underline"' if style.underline else "")


def check_picture(app: App[Any], name: str) -> None:
    """The screen is the one that was looked at when it was taken; `make screens` takes all of them again."""
    path = FOLDER / f"{name}.svg"
    shown = picture(app)
    if RENEW:
        FOLDER.mkdir(exist_ok=True)
        path.write_text(shown, encoding="utf-8")
    known = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    other = [line for line in shown.splitlines() if line not in known]
    assert known == shown.splitlines(), f"{path.name} looks different now (`make screens`, then look):\n" + "\n".join(
        other[:20]
    )
