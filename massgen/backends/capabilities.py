"""What each backend type can do (BE-070). The table stands in the lowest room, because the validator reads it too."""

from __future__ import annotations

from massgen.config.capabilities import CAPABILITIES, Capabilities, Grade, Source, Switch, capabilities_of, types_with

__all__ = ["CAPABILITIES", "Capabilities", "Grade", "Source", "Switch", "capabilities_of", "types_with"]
