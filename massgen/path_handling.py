"""`@path` references in prompts under their documented name (WS-079)."""

from __future__ import annotations

from massgen.workspace.references import PromptContext, parse_prompt_for_context

__all__ = ["PromptContext", "parse_prompt_for_context"]
