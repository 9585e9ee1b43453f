"""Which tools an agent gets, from names and patterns of the configuration (BE-073, MCP-040 to MCP-043, S-24)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from fnmatch import fnmatchcase

from massgen.tools.catalog import ALIASES, bare


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """`kept` in the order given, `removed` with the reason of each, and `warnings` about names that fit nothing."""

    kept: tuple[str, ...] = ()
    removed: dict[str, str] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()


def select(
    names: Sequence[str],
    *,
    allowed: Sequence[str] | None = None,
    excluded: Sequence[str] = (),
    where: str = "",
) -> Selection:
    """Keep what `allowed` names (None: everything) and `excluded` does not; an exclusion always wins.

    A pattern is a full name, a bare name (`read_file`) or a glob over either. A bare name that several tools
    have excludes all of them, and allows none. `where` says in warnings whose list it is.
    """
    warnings: list[str] = []
    kept = list(names)
    removed: dict[str, str] = {}
    if allowed is not None:
        wanted: set[str] = set()
        for pattern in allowed:
            found = _matching(pattern, names)
            if len(found) > 1 and pattern not in found and not _is_glob(pattern):
                warnings.append(f"'{pattern}' in {where}allowed_tools is ambiguous: {', '.join(sorted(found))}.")
                continue
            if not found:
                warnings.append(_no_match(pattern, names, f"{where}allowed_tools"))
            wanted |= found
        removed = {name: f"not in {where}allowed_tools" for name in kept if name not in wanted}
    for pattern in excluded:
        found = _matching(pattern, names)
        if not found:
            warnings.append(_no_match(pattern, names, f"{where}exclude_tools"))
        removed |= dict.fromkeys(found, f"in {where}exclude_tools ({pattern})")
    kept = [name for name in names if name not in removed]
    return Selection(kept=tuple(kept), removed=removed, warnings=tuple(warnings))


def _matching(pattern: str, names: Sequence[str]) -> set[str]:
    target = ALIASES.get(pattern, pattern)
    if not _is_glob(target):
        exact = {name for name in names if name in (pattern, target)}
        return exact or {name for name in names if bare(name) == target}
    return {name for name in names if fnmatchcase(name, target) or fnmatchcase(bare(name), target)}


def _is_glob(pattern: str) -> bool:
    return any(character in pattern for character in "*?[")


def _no_match(pattern: str, names: Sequence[str], where: str) -> str:
    candidates = {bare(name): name for name in names} | {name: name for name in names}
    near = get_close_matches(pattern, candidates, n=1, cutoff=0.5)
    meant = f" Did you mean '{near[0]}'?" if near else ""
    return f"'{pattern}' in {where} matches no tool.{meant}"
