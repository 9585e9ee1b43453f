"""Fail where a module has more than 400 lines or a function more than 50.

    python scripts/size_ratchet.py [ROOT]

Known exceptions stand in scripts/size_exceptions.txt (`path` or `path:function`, then the lines it may have);
they may only shrink: one that has become smaller must be lowered, one that fits must be taken out.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
EXCEPTIONS = Path("scripts") / "size_exceptions.txt"
MODULE_LINES = 400
FUNCTION_LINES = 50


def functions(tree: ast.AST, prefix: str = "") -> Iterator[tuple[str, int]]:
    """Qualified name and number of lines of every function; decorators and docstring do not count."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield prefix + node.name, code_lines(node)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield from functions(node, f"{prefix}{node.name}.")
        else:
            yield from functions(node, prefix)


def code_lines(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    lines = (node.end_lineno or node.lineno) - node.lineno + 1
    first = node.body[0]
    if ast.get_docstring(node) is not None:
        lines -= (first.end_lineno or first.lineno) - first.lineno + 1
    return lines


def measure(root: Path) -> Iterator[tuple[str, int, int]]:
    """(name, lines, limit) of every module and function of the package."""
    for path in sorted((root / "massgen").rglob("*.py")):
        name = path.relative_to(root).as_posix()
        text = path.read_text(encoding="utf-8")
        yield name, len(text.splitlines()), MODULE_LINES
        for function, lines in functions(ast.parse(text, filename=name)):
            yield f"{name}:{function}", lines, FUNCTION_LINES


def read_exceptions(root: Path) -> dict[str, int]:
    path = root / EXCEPTIONS
    if not path.is_file():
        return {}
    lines = path.read_text(encoding="utf-8").splitlines()
    pairs = (line.split() for line in lines if line.strip() and not line.startswith("#"))
    return {name: int(allowed) for name, allowed in pairs}


def find_faults(root: Path) -> Iterator[str]:
    exceptions = read_exceptions(root)
    for name, lines, limit in measure(root):
        allowed = exceptions.pop(name, None)
        if allowed is None and lines > limit:
            yield f"{name}: {lines} lines, at most {limit}"
        elif allowed is not None and lines > allowed:
            yield f"{name}: {lines} lines, its exception allows {allowed}"
        elif allowed is not None and lines <= limit:
            yield f"{name}: fits into {limit} lines now, take its exception out"
        elif allowed is not None and lines < allowed:
            yield f"{name}: {lines} lines now, lower its exception from {allowed}"
    for name in exceptions:
        yield f"{name}: has an exception but does not exist"


def main(arguments: list[str]) -> int:
    faults = list(find_faults(Path(arguments[0]) if arguments else ROOT))
    print(*faults, sep="\n") if faults else print("sizes: within the limits")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
