"""Run the scripts of benchmarks/ and print their figures beside the budgets.

    python scripts/bench.py [--profiles NUMBER] [NAME ...]

A benchmark prints figures as lines of JSON (benchmarks/budget.py); its other lines are shown as they are. A benchmark
that fails is named at the end. Those that used the most of a budget (three, or NUMBER) are played again with a profiler
to say where their time goes. Exit status 1: a benchmark failed, or a budget is not kept. The package is compiled to
bytecode first, as an installer does it.
"""

from __future__ import annotations

import argparse
import compileall
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import bench_profiles

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


def worst(results: list[tuple[Path, list[dict[str, Any]], bool]], number: int) -> list[Path]:
    """The benchmarks whose figures used the largest shares of their budgets, the largest first."""
    shares = {path: max((used(figure) or 0 for figure in found), default=0) for path, found, _ in results}
    return sorted((path for path, share in shares.items() if share), key=lambda path: -shares[path])[:number]


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(description="Print the figures of the benchmarks beside their budgets.")
    parser.add_argument("names", nargs="*", metavar="NAME", help="a script of benchmarks/, without .py; default: all")
    parser.add_argument("--profiles", type=int, default=3, metavar="NUMBER", help="profile so many of the worst")
    asked = parser.parse_args(arguments)
    compileall.compile_dir(ROOT / "massgen", quiet=1)
    scripts = sorted(path for path in FOLDER.glob("*.py") if path.stem not in SHARED)
    chosen = [path for path in scripts if not asked.names or path.stem in asked.names]
    results = [(path, *run(path)) for path in chosen]
    figures = [figure for _, found, _ in results for figure in found]
    print(f"\n{'figure':<58} {'measured':>16} {'budget':>18}  used")
    print(*map(row, figures), sep="\n")
    for path in worst(results, asked.profiles):
        print(bench_profiles.told(path), flush=True)
    failed = [path.name for path, _, well in results if not well]
    print(*(f"{name} failed" for name in failed), sep="\n", end="\n" if failed else "")
    return 1 if failed or any((used(figure) or 0) > 1 for figure in figures) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
