"""Hooks of the configuration: global ones, and those of one agent (HOOK-006, HOOK-007)."""

from __future__ import annotations

import hashlib
import logging
import sys
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module, util
from pathlib import Path
from typing import Any

from massgen.errors import ConfigError
from massgen.tools.hooks.callables import BrokenHook, PythonCallableHook
from massgen.tools.hooks.chain import Hooks
from massgen.tools.hooks.commands import CommandHook
from massgen.tools.hooks.protocol import DEFAULT_TIMEOUT_SECONDS, Hook, HookType

log = logging.getLogger(__name__)

_ENTRY_KEYS = frozenset({"matcher", "handler", "type", "fail_closed", "timeout", "name"})


def load_hooks(
    global_config: Mapping[str, Any] | None,
    agent_config: Mapping[str, Any] | None,
    *,
    base: Path,
    permission: Sequence[Hook] = (),
    program_before: Sequence[Hook] = (),
    program_after: Sequence[Hook] = (),
    warn: Callable[[str], None] = log.error,
) -> Hooks:
    """The hooks of one agent from the two `hooks` blocks, the program's own ones first.

    Handlers are found by dotted path, or as `file.py:function`; relative files and modules that are not
    installed are looked for below `base`. A handler that cannot be loaded becomes a hook that denies
    (HOOK-008), which `warn` tells people. Raises `ConfigError` for a block of the wrong shape.
    """
    chains: dict[HookType, list[Hook]] = {}
    for kind in HookType:
        general, _ = _entries(global_config, kind)
        own, override = _entries(agent_config, kind)
        chosen = own if override else [*general, *own]
        chains[kind] = [_hook(entry, base, warn) for entry in chosen]
    return Hooks(
        permission=tuple(permission),
        before=(*program_before, *chains[HookType.PRE_TOOL_USE]),
        after=(*program_after, *chains[HookType.POST_TOOL_USE]),
    )


def _entries(config: Mapping[str, Any] | None, kind: HookType) -> tuple[list[Mapping[str, Any]], bool]:
    """The entries of one event and whether they replace the global ones."""
    if config is None:
        return [], False
    if not isinstance(config, Mapping):
        raise ConfigError("'hooks' must be a mapping of PreToolUse and PostToolUse.")
    block = config.get(kind.value) or []
    override = False
    if isinstance(block, Mapping):
        override = block.get("override", False) is True
        block = block.get("hooks") or []
    if not isinstance(block, Sequence) or isinstance(block, str):
        raise ConfigError(f"'hooks.{kind.value}' must be a list of hooks.")
    for entry in block:
        if not isinstance(entry, Mapping) or not isinstance(entry.get("handler"), str):
            raise ConfigError(f"Each entry of 'hooks.{kind.value}' needs a 'handler'.")
        unknown = sorted(set(map(str, entry)) - _ENTRY_KEYS)
        if unknown:
            raise ConfigError(f"Unknown key '{unknown[0]}' in 'hooks.{kind.value}'.")
    return list(block), override


def _hook(entry: Mapping[str, Any], base: Path, warn: Callable[[str], None]) -> Hook:
    handler = entry["handler"]
    name = str(entry.get("name") or handler)
    matcher = str(entry.get("matcher") or "*")
    fail_closed = bool(entry.get("fail_closed", False))
    seconds = entry.get("timeout", DEFAULT_TIMEOUT_SECONDS)
    if isinstance(seconds, bool) or not isinstance(seconds, int | float) or not seconds > 0:
        raise ConfigError(f"'timeout' of hook '{name}' must be a positive number of seconds.")
    match entry.get("type", "python"):
        case "command":
            return CommandHook(
                name=name,
                command=handler,
                matcher=matcher,
                fail_closed=fail_closed,
                timeout_seconds=float(seconds),
                directory=base,
            )
        case "python":
            try:
                function = find_function(handler, base)
            except (Exception, SystemExit) as error:  # noqa: BLE001 - importing runs foreign code
                problem = f"cannot load '{handler}': {error or type(error).__name__}"
                warn(f"Hook '{name}' {problem}; calls of '{matcher}' are denied")
                return BrokenHook(name=name, problem=problem, matcher=matcher)
            return PythonCallableHook(
                name, function, matcher=matcher, fail_closed=fail_closed, timeout_seconds=float(seconds)
            )
        case other:
            raise ConfigError(f"Hook '{name}' has an unknown type {other!r}; use 'python' or 'command'.")


def find_function(handler: str, base: Path) -> Callable[..., Any]:
    """The function that `module.function` or `path/file.py:function` names; importing errors pass through."""
    if ".py:" in handler:
        file, _, attribute = handler.rpartition(":")
        module = _from_file((base / Path(file).expanduser()).resolve())
    else:
        dotted, _, attribute = handler.rpartition(".")
        if not dotted:
            raise ConfigError(f"'{handler}' is not of the form module.function")
        module = _module(dotted, base)
    function = getattr(module, attribute, None)
    if not callable(function):
        raise ConfigError(f"there is no function '{attribute}' in {module.__name__}")
    return function


def _module(dotted: str, base: Path) -> Any:
    try:
        return import_module(dotted)
    except ModuleNotFoundError as error:
        file = base.joinpath(*dotted.split(".")).with_suffix(".py")
        if error.name is None or not (dotted + ".").startswith(error.name + ".") or not file.is_file():
            raise
        return _from_file(file.resolve())


def _from_file(path: Path) -> Any:
    name = f"massgen_hook_{path.stem}_{hashlib.sha256(str(path).encode()).hexdigest()[:8]}"
    if name in sys.modules:
        return sys.modules[name]
    spec = util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None or not path.is_file():
        raise ConfigError(f"there is no Python file {path}")
    module = util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module
