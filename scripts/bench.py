"""Run the scripts of benchmarks/ and print their figures beside the budgets.

    python scripts/bench.py [NAME ...]

A benchmark prints figures as lines of JSON (benchmarks/budget.py); its other lines are shown as they are. A benchmark
that fails is named at the end. Exit status 1: a benchmark failed, or a budget is not kept. The package is compiled
to bytecode first, as an installer does it.
"""

from __future__ import annotations

import compileall
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "benchmarks"
SHARED = ("budget", "provider", "screen", "growth")


def run(script: Path) -> tuple[list[dict[str, Any]], bool]:
    """The figures `script` prints, and whether it ended well."""
    print(f"-- {script.stem}", flush=True)
    figures = []
    with subprocess.Popen([sys.executable, str(script)], stdout=subprocess.PIPE, text=True, cwd=ROOT) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if line.startswith('{"figure":'):
                figures.append(json.loads(line)["figure"])
            else:
                print(line, end="", flush=True)
    return figures, process.returncode == 0


def used(figure: dict[str, Any]) -> float | None:
    """The share of the budget that was used; 1.0 is the limit."""
    budget, measured = figure["budget"], figure["measured"]
    if budget is None:
        return None
    if figure["at_least"]:
        return budget / measured if measured else float("inf")
    return measured / budget


def row(figure: dict[str, Any]) -> str:
    share = used(figure)
    sign = ">=" if figure["at_least"] else "<="
    budget = "" if figure["budget"] is None else f"{sign} {figure['budget']:g} {figure['unit']}"
    measured = f"{figure['measured']:.4g} {figure['unit']}"
    verdict = "" if share is None else f"{share:.2f}" + ("  over" if share > 1 else "")
    return f"{figure['name']:<58} {measured:>16} {budget:>18}  {verdict}".rstrip()


def main(names: list[str]) -> int:
    compileall.compile_dir(ROOT / "massgen", quiet=1)
    scripts = sorted(path for path in FOLDER.glob("*.py") if path.stem not in SHARED)
    chosen = [path for path in scripts if not names or path.stem in names]
    results = [(path, *run(path)) for path in chosen]
    figures = [figure for _, found, _ in results for figure in found]
    print(f"\n{'figure':<58} {'measured':>16} {'budget':>18}  used")
    print(*map(row, figures), sep="\n")
    failed = [path.name for path, _, well in results if not well]
    print(*(f"{name} failed" for name in failed), sep="\n", end="\n" if failed else "")
    return 1 if failed or any((used(figure) or 0) > 1 for figure in figures) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
