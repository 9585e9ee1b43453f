"""Print how many rows of docs/spec the tests claim, per prefix, less the rows of docs/spec/later.txt.

    python scripts/spec_coverage.py [--quiet] [--missing [PREFIX]] [--show ID ...] [--root ROOT]

A claim is a call of something named `spec` with string arguments: `@pytest.mark.spec("COORD-014")`. A row
whose whole requirement is `See X, Y.` counts as covered when all rows it points to are.

Exit status 1: a test names a row that does not exist, or one that later.txt says is not built yet; later.txt
names an unknown row or gives no reason.
"""

from __future__ import annotations

import argparse
import ast
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TIERS = ("core", "full", "edge")
ROW = re.compile(r"^\| ([A-Z]{2,6}-\d{3}) \((core|full|edge)\) \| (.*)$")
RANGE = re.compile(r"\b([A-Z]{2,6})-(\d{3})(?:\.\.(\d{3}))?\b")
POINTER = re.compile(r"See ([A-Z]{2,6}-\d{3}(?:\.\.\d{3})?(?:(?:, | and )[A-Z]{2,6}-\d{3}(?:\.\.\d{3})?)*)\.")
LATER = re.compile(r"^([A-Z]{2,6}-\d{3})\s+(\S.*)$")


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One requirement; `points_to` names other rows where the row is only a pointer to them."""

    id: str
    tier: str
    cells: tuple[str, ...]
    points_to: tuple[str, ...] = ()

    @property
    def prefix(self) -> str:
        return self.id.split("-")[0]


def read_rows(spec: Path) -> dict[str, Row]:
    """All rows of the tables in `spec`, by id."""
    found: dict[str, Row] = {}
    for page in sorted(spec.glob("*.md")):
        for line in page.read_text(encoding="utf-8").splitlines():
            if match := ROW.match(line):
                row_id, tier, rest = match.groups()
                cells = tuple(cell.strip().replace("\\|", "|") for cell in re.split(r"(?<!\\)\|", rest))
                found[row_id] = Row(id=row_id, tier=tier, cells=cells)
    return {row.id: with_targets(row, found) for row in found.values()}


def with_targets(row: Row, known: dict[str, Row]) -> Row:
    """`row` with the rows it points to, where pointing is all it does."""
    match = POINTER.fullmatch(row.cells[0])
    if match is None:
        return row
    targets = tuple(target for target in expand(match.group(1)) if target in known)
    return Row(id=row.id, tier=row.tier, cells=row.cells, points_to=targets)


def expand(text: str) -> Iterator[str]:
    """Every id that `text` names; `A-001..004` names all four."""
    for prefix, first, last in RANGE.findall(text):
        for number in range(int(first), int(last or first) + 1):
            yield f"{prefix}-{number:03d}"


def read_later(spec: Path) -> tuple[dict[str, str], list[str]]:
    """The rows that wait (id -> reason), and the lines that are not understood."""
    reasons: dict[str, str] = {}
    faults: list[str] = []
    path = spec / "later.txt"
    if not path.is_file():
        return reasons, faults
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        match = LATER.match(line)
        if match is None or match.group(1) in reasons:
            faults.append(f"later.txt:{number}: needs an id that was not listed before, and a reason")
            continue
        reasons[match.group(1)] = match.group(2)
    return reasons, faults


def claims(tests: Path) -> dict[str, list[str]]:
    """Row id -> places in `tests` that claim it."""
    found: dict[str, list[str]] = {}
    for path in sorted(tests.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"), filename=str(path))):
            if not isinstance(node, ast.Call):
                continue
            if (getattr(node.func, "attr", None) or getattr(node.func, "id", None)) != "spec":
                continue
            for argument in node.args:
                if isinstance(argument, ast.Constant) and isinstance(argument.value, str):
                    found.setdefault(argument.value, []).append(f"{path.relative_to(tests.parent)}:{node.lineno}")
    return found


def settled(rows: dict[str, Row], ids: set[str]) -> set[str]:
    """`ids` and every pointer row all of whose targets are in the result."""
    result = {row_id for row_id in rows if row_id in ids}
    while True:
        pointers = (row for row in rows.values() if row.points_to and row.id not in result)
        more = {row.id for row in pointers if result.issuperset(row.points_to)}
        if not more:
            return result
        result |= more


def table(rows: dict[str, Row], covered: set[str]) -> Iterator[str]:
    """covered/rows per prefix and tier, the sum last."""
    groups: dict[str, list[Row]] = {}
    for row in rows.values():
        groups.setdefault(row.prefix, []).append(row)
    yield "rows    " + "".join(f"{name:>10}" for name in (*TIERS, "all"))
    for prefix, group in [*sorted(groups.items()), ("all", list(rows.values()))]:
        cells = []
        for tier in (*TIERS, None):
            inside = [row for row in group if tier is None or row.tier == tier]
            done = sum(row.id in covered for row in inside)
            cells.append(f"{done}/{len(inside)}" if inside else "-")
        yield f"{prefix:<8}" + "".join(f"{cell:>10}" for cell in cells)


def find_faults(rows: dict[str, Row], later: dict[str, str], used: dict[str, list[str]]) -> Iterator[str]:
    for row_id in sorted(set(used) - set(rows)):
        yield f"{used[row_id][0]}: {row_id} is not a row of docs/spec"
    for row_id in sorted(set(used) & set(later)):
        yield f"{used[row_id][0]}: {row_id} is claimed, but docs/spec/later.txt says: {later[row_id]}"
    for row_id in sorted(set(later) - set(rows)):
        yield f"later.txt: {row_id} is not a row of docs/spec"


def main() -> int:
    parser = argparse.ArgumentParser(description="Rows of docs/spec that the tests claim.")
    parser.add_argument("--quiet", action="store_true", help="print faults only")
    parser.add_argument("--missing", nargs="?", const="", metavar="PREFIX", help="list unclaimed rows")
    parser.add_argument("--show", nargs="+", metavar="ID", help="print rows in full")
    parser.add_argument("--root", type=Path, default=ROOT, help="another repository than this one")
    options = parser.parse_args()
    spec = options.root / "docs" / "spec"
    rows = read_rows(spec)
    if options.show:
        for row_id in options.show:
            print(f"{row_id} ({rows[row_id].tier})", *rows[row_id].cells, sep="\n  ")
        return 0
    later, faults = read_later(spec)
    used = claims(options.root / "tests")
    faults += find_faults(rows, later, used)
    covered = settled(rows, set(used))
    waiting = settled(rows, set(later) | covered) - covered
    due = {row.id: row for row in rows.values() if row.id not in waiting}
    if options.missing is not None:
        open_rows = [r for r in due.values() if r.id not in covered and r.id.startswith(options.missing)]
        print(*(f"{row.id}\t{row.tier}\t{row.cells[0][:100]}" for row in open_rows), sep="\n")
    elif not options.quiet:
        print(*table(due, covered), sep="\n")
        print(f"{len(waiting)} of {len(rows)} rows wait for later work (docs/spec/later.txt)")
    for fault in faults:
        print(fault, file=sys.stderr)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
