"""Finding and loading the function behind an entry (TOOL-022, TOOL-023, TOOL-034)."""

from __future__ import annotations

import ast
import hashlib
import importlib
import importlib.util
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

from massgen.errors import ConfigError

PACKAGE = Path(__file__).resolve().parents[1]
BUILT_IN = {
    "two_num_tool": "massgen.tool._basic._two_num_tool",
    "run_python_script": "massgen.tool._code_executors",
    "run_shell_script": "massgen.tool._code_executors",
    "read_file_content": "massgen.tool._file_handlers",
    "save_file_content": "massgen.tool._file_handlers",
    "append_file_content": "massgen.tool._file_handlers",
}


class ToolLoadError(ConfigError):
    """A tool's file, function or import is missing; the message names them (IOP-017)."""


def locate(path: str | None, function: str, bases: Sequence[Path]) -> str:
    """Where `function` lives: the absolute path of a file, or the name of a module. Nothing is imported.

    A path is tried below each of `bases` (the launch directory, then the directory of the configuration), then,
    if it begins with `massgen/`, inside the installed package. Without a path the name of a built-in function
    or a dotted name is meant.
    """
    if not path:
        if function in BUILT_IN:
            return BUILT_IN[function]
        if "." in function:
            return function.rpartition(".")[0]
        raise ToolLoadError(
            f"Custom tool '{function}' has no path and is no built-in function.",
            hint=f"Give the path of its file. Built-in functions: {', '.join(sorted(BUILT_IN))}.",
        )
    wanted = Path(path).expanduser()
    candidates = [wanted] if wanted.is_absolute() else [base / wanted for base in bases]
    if wanted.parts[:1] == ("massgen",):
        candidates.append(PACKAGE.joinpath(*wanted.parts[1:]))
    for candidate in candidates:
        if candidate.is_file():
            return str(candidate.resolve())
        if candidate.is_dir():
            return str(_in_directory(candidate.resolve(), function))
    if not wanted.suffix and all(part.isidentifier() for part in path.split(".")):
        return path
    tried = ", ".join(str(candidate) for candidate in candidates)
    raise ToolLoadError(
        f"The file '{path}' of custom tool '{function}' does not exist.",
        hint=f"Correct 'path'; looked for {tried}.",
    )


def load(place: str, function: str) -> Callable[..., Any]:
    """The function object, its module imported. Raises `ToolLoadError` with file, function and reason."""
    name = function.rpartition(".")[2]
    try:
        module = _module(place)
    except ModuleNotFoundError as error:
        raise ToolLoadError(
            f"Custom tool '{name}' ({place}) needs the module '{error.name}', which is not installed.",
            hint=f"Install it (for example: pip install {(error.name or '').split('.')[0]}).",
        ) from error
    except (Exception, SystemExit) as error:
        raise ToolLoadError(f"Custom tool '{name}': {place} failed to load: {type(error).__name__}: {error}") from error
    found = getattr(module, name, None)
    if found is None:
        names = [each for each, value in vars(module).items() if callable(value) and not each.startswith("_")]
        raise ToolLoadError(
            f"Custom tool '{name}': {place} has no function '{name}'.",
            hint=f"It has: {', '.join(sorted(names)[:20]) or 'no functions'}.",
        )
    if not callable(found):
        raise ToolLoadError(f"Custom tool '{name}': '{name}' in {place} is not a function.")
    return found


def _module(place: str) -> ModuleType:
    path = Path(place)
    if not path.is_absolute():
        return importlib.import_module(place)
    if path.is_relative_to(PACKAGE):
        # Our own files keep their package, so that their relative imports and identities are right.
        parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
        return importlib.import_module(".".join(part for part in parts if part != "__init__"))
    name = f"massgen_custom_{path.stem}_{hashlib.sha256(place.encode()).hexdigest()[:8]}"
    if name in sys.modules:
        return sys.modules[name]
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise ImportError(f"{path} is not a Python file")
    module = importlib.util.module_from_spec(spec)
    if str(path.parent) not in sys.path:
        sys.path.insert(0, str(path.parent))
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module


def _in_directory(directory: Path, function: str) -> Path:
    """The file of `directory` that defines `function`, or its `__init__.py`."""
    for file in sorted(directory.glob("*.py")):
        try:
            tree = ast.parse(file.read_text(encoding="utf-8"))
        except (SyntaxError, UnicodeDecodeError):
            continue
        if any(
            isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name == function for node in tree.body
        ):
            return file
    package = directory / "__init__.py"
    if package.is_file():
        return package
    raise ToolLoadError(
        f"No file in '{directory}' defines the function of custom tool '{function}'.",
        hint="Correct 'path' or 'function'.",
    )
