"""Documented keys and values that have no effect yet: one list, which later work empties.

A pattern names a key of the normalised tree, `[]` standing for any item and `*` for any key of a map. A key
named here is a hint at `--validate` and one line at a run, unless its value switches nothing on.
"""

from __future__ import annotations

NOT_YET: dict[str, str] = {}
"""Key path -> why it has no effect."""

NOT_YET_VALUES: dict[str, dict[str, str]] = {}
"""Key path -> value -> why that value has no effect."""
