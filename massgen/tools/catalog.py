"""The tools of one agent by name: nobody shadows anybody, and other spellings find their tool."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from types import MappingProxyType

from massgen.tools.protocol import Tool

WORKFLOW_NAMES = frozenset({
    "new_answer", "vote", "stop", "ask_others", "respond_to_broadcast", "check_broadcast_status",
    "get_broadcast_responses", "submit_checklist", "draft_approach", "propose_improvements", "submit",
    "restart_orchestration",
})  # fmt: skip
"""Names that belong to the coordination; a tool of any other source cannot have one."""

ALIASES: Mapping[str, str] = MappingProxyType({
    "mcp__filesystem__read_text_file": "mcp__filesystem__read_file",
    "mcp__filesystem__grep": "mcp__filesystem__grep_search",
    "mcp__filesystem__find_and_read_text": "mcp__filesystem__grep_search",
    "mcp__filesystem__delete_file": "mcp__workspace_tools__delete_file",
    "mcp__filesystem__copy_file": "mcp__workspace_tools__copy_file",
    "mcp__workspace_tools__read_file": "mcp__filesystem__read_file",
    "mcp__workspace_tools__write_file": "mcp__filesystem__write_file",
})  # fmt: skip
"""Other names of file tools that the documents use, accepted in calls, hooks and filters (S-11)."""


def bare(name: str) -> str:
    """`read_file` of `mcp__filesystem__read_file`; `tool` of `custom_tool__tool`; else the name itself."""
    if name.startswith("mcp__") and name.count("__") >= 2:
        return name.split("__", 2)[2]
    return name.removeprefix("custom_tool__")


class ToolCatalog:
    """Finds a tool by its name, an alias, or its bare name where only one has it.

    The first tool of a name stays; later ones, and tools named like workflow tools, are left out and
    `problems` says so.
    """

    def __init__(self, tools: Sequence[Tool], aliases: Mapping[str, str] = ALIASES) -> None:
        self._tools: dict[str, Tool] = {}
        problems: list[str] = []
        for tool in tools:
            name = tool.spec.name
            if name in WORKFLOW_NAMES:
                problems.append(f"Tool '{name}' left out: the name belongs to the coordination.")
            elif name in self._tools:
                problems.append(f"Tool '{name}' left out: another tool already has this name.")
            else:
                self._tools[name] = tool
        self.problems = tuple(problems)
        self._others = {alias: name for alias, name in aliases.items() if name in self._tools}
        for alias in self._others.keys() & self._tools.keys():
            del self._others[alias]
        self._bare = self._unambiguous()

    def tools(self) -> tuple[Tool, ...]:
        """All tools, in the order given."""
        return tuple(self._tools.values())

    def find(self, name: str) -> Tool | None:
        """The tool that `name` means, or None."""
        found = self._tools.get(name) or self._tools.get(self._others.get(name, ""))
        if found is not None or name in WORKFLOW_NAMES:
            return found
        return self._tools.get(self._bare.get(name, ""))

    def aliases_of(self, name: str) -> tuple[str, ...]:
        """The other full names of the tool `name`."""
        return tuple(alias for alias, target in self._others.items() if target == name)

    def near(self, name: str) -> tuple[str, ...]:
        """Up to three names that the model may have meant."""
        wanted = bare(name)
        close = get_close_matches(name[:200], self._tools, n=3, cutoff=0.6)
        close += [self._bare[b] for b in get_close_matches(wanted[:200], self._bare, n=3, cutoff=0.6)]
        return tuple(dict.fromkeys(close))[:3]

    def _unambiguous(self) -> dict[str, str]:
        owners: dict[str, set[str]] = {}
        for full, target in [*((name, name) for name in self._tools), *self._others.items()]:
            owners.setdefault(bare(full), set()).add(target)
        return {short: next(iter(names)) for short, names in owners.items() if len(names) == 1}
