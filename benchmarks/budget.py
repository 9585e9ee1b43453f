"""How a benchmark states a result: one line of JSON on stdout, which `make bench` puts into its table."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """`measured` and `budget` are in `unit`; the budget is kept while `measured` is at most as large.

    With `at_least` it is the other way round. `budget` is None for a figure that is only told.
    """

    name: str
    measured: float
    unit: str
    budget: float | None = None
    at_least: bool = False

    def report(self) -> None:
        print(json.dumps({"figure": asdict(self)}), flush=True)
