"""Which tools an agent is offered (BE-073, MCP-040 to MCP-043). A pure function over names."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from difflib import get_close_matches
from fnmatch import fnmatchcase

from msgspec import Struct

from massgen.tools.catalog import ALIASES, WORKFLOW_NAMES, bare


class NameFilter(Struct, frozen=True, kw_only=True):
    """A whitelist (None = everything) and a list of exclusions; names may be full, bare or globs."""

    allowed: tuple[str, ...] | None = None
    excluded: tuple[str, ...] = ()


class OfferedTool(Struct, frozen=True, kw_only=True):
    """A tool by its full name and the server it comes from (empty for other sources)."""

    name: str
    server: str = ""


class Selection(Struct, frozen=True, kw_only=True):
    """The full names that stay, in the order given, and warnings about filter entries that fit nothing."""

    kept: tuple[str, ...]
    warnings: tuple[str, ...] = ()


def select_tools(
    tools: Sequence[OfferedTool],
    *,
    servers: Mapping[str, NameFilter] | None = None,
    backend: NameFilter | None = None,
    native: Iterable[str] = (),
) -> Selection:
    """Apply each server's filter to its tools, then the backend's to all that is left.

    An exclusion always wins. Coordination tools always stay. A bare name that several tools share
    excludes all of them, but allows none. `native` are further names (a backend's own tools) that filter
    entries may mean without a warning.
    """
    warnings: list[str] = []
    gone: set[str] = set()
    for server, names in (servers or {}).items():
        own = [tool.name for tool in tools if tool.server == server]
        gone |= set(own) - _passing(own, names, f"server '{server}'", warnings, known=())
    everything = [tool.name for tool in tools]
    if backend is not None:
        gone |= set(everything) - _passing(everything, backend, "backend", warnings, known=tuple(native))
    kept = tuple(name for name in everything if name not in gone or name in WORKFLOW_NAMES)
    return Selection(kept=kept, warnings=tuple(warnings))


def fits_entry(entry: str, name: str) -> bool:
    """Whether a filter entry (full, bare or glob) means the tool of this full name or of one of its aliases."""
    spellings = {name, bare(name)}
    for alias, target in ALIASES.items():
        if target == name:
            spellings |= {alias, bare(alias)}
    return any(fnmatchcase(spelling, entry) for spelling in spellings)


def _passing(
    names: Sequence[str], rules: NameFilter, where: str, warnings: list[str], known: tuple[str, ...]
) -> set[str]:
    passing = set(names)
    if rules.allowed is not None:
        passing = set()
        for entry in rules.allowed:
            found = _meant(entry, names, where, warnings, known)
            if len(found) > 1 and _is_bare(entry) and not any(char in entry for char in "*?["):
                warnings.append(f"'{entry}' in allowed tools of {where} is ambiguous: {', '.join(sorted(found))}.")
                continue
            passing |= found
    for entry in rules.excluded:
        passing -= _meant(entry, names, where, warnings, known)
    return passing


def _meant(entry: str, names: Sequence[str], where: str, warnings: list[str], known: tuple[str, ...]) -> set[str]:
    found = {name for name in names if fits_entry(entry, name)}
    if not found and entry not in WORKFLOW_NAMES and not any(fnmatchcase(name, entry) for name in known):
        spellings = {short: name for name in names for short in (bare(name), name)}
        close = get_close_matches(entry, [*spellings, *known], n=1, cutoff=0.5)
        meant = f" Did you mean '{spellings.get(close[0], close[0])}'?" if close else ""
        warnings.append(f"'{entry}' in the tool filter of {where} matches no tool.{meant}")
    return found


def _is_bare(entry: str) -> bool:
    return bare(entry) == entry
