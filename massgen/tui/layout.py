"""How panels share the screen: a grid while each has room, else one at a time behind tabs."""

from __future__ import annotations

from typing import NamedTuple

NARROWEST, LOWEST = 25, 6
COMFORTABLE = (38, 10)


class Grid(NamedTuple):
    """Columns and rows; 0 columns means tabs."""

    columns: int
    rows: int


def arrange(agents: int, width: int, height: int) -> Grid:
    """The grid for so many agents in so many cells: the one with the fewest rows in which all panels are comfortable,
    else in which they fit, else tabs."""
    grids = [Grid(-(-agents // rows), rows) for rows in range(1, agents + 1)]
    fitting = [g for g in grids if width // g.columns >= NARROWEST and height // g.rows >= LOWEST]
    easy = [g for g in fitting if width // g.columns >= COMFORTABLE[0] and height // g.rows >= COMFORTABLE[1]]
    return (easy or fitting or [Grid(0, 0)])[0]
